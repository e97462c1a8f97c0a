"""A made-up Moodle course in the three forms of files: log report, log store and grade book."""

from pathlib import Path
from typing import Final

REPORT: Final = """\
Time,User full name,Affected user,Event context,Component,Event name,Description,Origin,IP address
"18/09/23, 11:02",Ada Brook,-,Quiz: Cells,Quiz,Quiz attempt submitted,"The user with id '11' has submitted the attempt \
with id '5' for the quiz with course module id '41'.",web,10.0.0.1
"18/09/23, 10:40",Ada Brook,-,Quiz: Cells,Quiz,Quiz attempt started,"The user with id '11' has started the attempt \
with id '5' for the quiz with course module id '41'.",web,10.0.0.1
"18/09/23, 10:39",Ada Brook,-,Forum: Questions,Forum,Discussion created,"The user with id '11' has created the \
discussion with id '8' in the forum with course module id '42'.",web,10.0.0.1
"17/09/23, 09:10",Ben Cole,-,Forum: Questions,Forum,Post created,"The user with id '12' has created the post with id \
'9' in the discussion with id '8' in the forum with course module id '42'.",web,10.0.0.2
"17/09/23, 09:09",Ben Cole,-,Course: Biology,System,Course viewed,"The user with id '12' viewed the course with id \
'7'.",web,10.0.0.2
"17/09/23, 09:09",Ben Cole,-,Course: Biology,System,Course viewed,"The user with id '12' viewed the course with id \
'7'.",web,10.0.0.2
"16/09/23, 08:00",-,-,Course: Biology,System,Course backup created,"The user with id '0' created a backup.",cli,
"15/09/23, 08:00",Tess Old,Ada Brook,Course: Biology,System,User enrolled in course,"The user with id '2' enrolled the \
user with id '11' using the enrolment method 'manual' in the course with id '7'.",web,10.0.0.9
"""

LOGSTORE: Final = r"""\
id,eventname,component,action,target,objecttable,objectid,crud,contextlevel,contextinstanceid,userid,\
courseid,relateduserid,anonymous,other,timecreated,origin,ip,realuserid
1,\core\event\course_viewed,core,viewed,course,,,r,50,7,12,7,,0,N;,1694941200,web,10.0.0.2,
2,\mod_forum\event\post_created,mod_forum,created,post,forum_posts,19,c,70,42,12,7,,0,"{""discussionid"":8}",1694941300,web,\
10.0.0.2,
3,\mod_forum\event\post_created,mod_forum,created,post,forum_posts,20,c,70,42,11,7,,0,"a:1:{s:12:""discussionid"";i:8;}",\
1694941400,web,10.0.0.1,
4,\core\event\user_loggedin,core,loggedin,user,user,11,r,10,0,11,0,,0,"{""username"":""ada.brook""}",1694941000,web,10.0.0.1,
5,\mod_quiz\event\attempt_viewed,mod_quiz,viewed,attempt,quiz_attempts,5,r,70,41,11,7,11,0,,1694941500,web,10.0.0.9,2
""".replace("\\\n", "")

GRADES: Final = """\
First name,Surname,ID number,Email address,Quiz: Cells (Real),Quiz: Cells (Percentage),Essay (Percentage),\
Course total (Percentage),Last downloaded from this course
Ada,Brook,,ada@example.org,8.00,80.00 %,-,55.5 %,1703000000
Ben,Cole,,ben@example.org,-,-,91.25 %,-,1703000000
"""

OPTIONS: Final = {"run": "moodle/7/1", "zone": "Europe/London", "pass_mark": "50", "ends": "2023-12-15"}


def write(folder: Path) -> None:
    """Write the three files, the log report first by name."""
    for name, text in {"a_report.csv": REPORT, "b_logstore.csv": LOGSTORE, "c_grades.csv": GRADES}.items():
        (folder / name).write_text(text, encoding="utf-8")
