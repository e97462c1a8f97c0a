"""Samples of the sources that read tables: KDD Cup 2015, the UCI data sets, Apereo LAP, OneRoster, Coursera,
knowledge tracing.

All of it is made up.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from headway.sources.source import Request

KEY: Final = b"a key for tests, no secret"

KDD: Final = {
    "courses.csv": """file,enrollments,course_id,first_day
trainCourse7.csv,2,courseA,2014-05-25
""",
    "date.csv": """course_id,from,to
courseB,2014-06-12,2014-07-11
""",
    "enrollment_train.csv": """enrollment_id,username,course_id
101,someone,courseB
102,another,courseB
103,silent,courseB
""",
    "log_train.csv": """enrollment_id,time,source,event,object
101,2014-06-14T09:38:29,server,nagivate,moduleN
101,2014-06-14T09:38:39,server,access,moduleS
101,2014-06-14T09:38:39,server,access,moduleS
101,2014-06-14T23:59:59,browser,problem,moduleP
102,2014-06-20T00:00:00,browser,video,moduleV
102,2014-07-11T12:00:00,browser,page_close,
""",
    "object.csv": """course_id,module_id,category,children,start
courseB,moduleC,chapter,moduleS moduleQ,2014-06-12T08:00:00
courseB,moduleS,sequential,moduleP moduleV,null
courseB,moduleP,problem,,1999-09-04T00:00:00
courseA,moduleX,html,,null
""",
    "trainCourse7.csv": """enrollment_id,time,event_access,event_discussion,event_navigate,event_page_close,\
event_problem,event_video,event_wiki
201,2014-05-25,0,0,0,0,0,0,0
201,2014-05-26,48,22,30,33,13,19,8
201,2014-05-27,0,0,1,0,0,0,0
202,2014-05-25,0,0,0,0,0,0,0
202,2014-05-26,0,0,0,0,0,0,0
""",
    "truth_train.csv": """101,0
102,1
201,1
202,1
""",
}

_UCI697: Final = (
    'Marital status;Application mode;Application order;Course;"Daytime/evening attendance\t";Previous qualification;'
    "Previous qualification (grade);Nacionality;Mother's qualification;Father's qualification;Mother's occupation;"
    "Father's occupation;Admission grade;Displaced;Educational special needs;Debtor;Tuition fees up to date;Gender;"
    "Scholarship holder;Age at enrollment;International;Curricular units 1st sem (credited);"
    "Curricular units 1st sem (enrolled);Curricular units 1st sem (evaluations);"
    "Curricular units 1st sem (approved);Curricular units 1st sem (grade);"
    "Curricular units 1st sem (without evaluations);Curricular units 2nd sem (credited);"
    "Curricular units 2nd sem (enrolled);Curricular units 2nd sem (evaluations);"
    "Curricular units 2nd sem (approved);Curricular units 2nd sem (grade);"
    "Curricular units 2nd sem (without evaluations);Unemployment rate;Inflation rate;GDP;Target"
)

UCI697: Final = {
    "data.csv": f"""\ufeff{_UCI697}
2;18;4;170;1;1;120.5;1;18;11;4;8;126.1;1;0;0;1;1;0;21;0;0;0;0;0;0.0;0;0;0;0;0;0.0;0;10.1;1.1;1.2;Dropout
1;16;1;9250;0;1;161.0;1;2;3;4;3;141.5;1;0;1;0;0;1;19;0;0;6;6;6;14.5;0;0;6;6;6;13.25;0;13.1;-0.2;0.8;Graduate
1;16;1;9250;0;1;161.0;1;2;3;4;3;141.5;1;0;1;0;0;1;19;0;0;6;6;6;14.5;0;0;6;6;6;13.25;0;13.1;-0.2;0.8;Graduate
1;2;5;9071;1;1;123.0;1;37;36;9;9;125.8;1;0;0;0;0;0;22;1;0;6;8;2;11.0;0;0;6;9;1;10.0;0;10.1;1.1;1.2;Enrolled
""",
}

_UCI320: Final = (
    "school,sex,age,address,famsize,Pstatus,Medu,Fedu,Mjob,Fjob,reason,guardian,traveltime,studytime,failures,"
    "schoolsup,famsup,paid,activities,nursery,higher,internet,romantic,famrel,freetime,goout,Dalc,Walc,health,"
    "absences,G1,G2,G3"
)

UCI320: Final = {
    "student-mat.csv": f"""{_UCI320}
XX,F,17,U,GT3,A,3,4,at_home,other,course,mother,2,2,0,yes,no,no,no,yes,yes,no,no,4,3,4,1,1,3,5,6,6,9
XX,M,16,R,LE3,T,1,1,other,other,home,father,1,2,3,no,no,no,no,yes,yes,yes,no,5,3,3,1,2,3,0,12,13,10
""",
    "student-por.csv": f"""{_UCI320.replace(",", ";")}
"YY";"F";18;"U";"GT3";"A";4;4;"at_home";"other";"course";"mother";2;2;0;"yes";"no";"no";"no";"yes";"yes";"no";"no";\
4;3;4;1;1;3;4;"0";"11";20
""",
}

LAP: Final = {
    "personal.csv": """ALTERNATIVE_ID,PERCENTILE,SAT_VERBAL,SAT_MATH,ACT_COMPOSITE,AGE,RACE,GENDER,\
ENROLLMENT_STATUS,EARNED_CREDIT_HOURS,GPA_CUMULATIVE,GPA_SEMESTER,STANDING,PELL_STATUS,CLASS_CODE
P1,82,600,650,,21,,M,F,55,3.02,3.24,1,N,JR
P2,,,,,23,,F,P,70,2.93,2.46,1,Y,SO
""",
    "course.csv": """COURSE_ID,SUBJECT,ENROLLMENT,ONLINE_FLAG
BIO_101_A_24F,Biology,3,Y
""",
    "enrollment.csv": """ALTERNATIVE_ID,COURSE_ID,FINAL_GRADE,WITHDRAWAL_DATE
P1,BIO_101_A_24F,B+,
P2,BIO_101_A_24F,W,2024-10-01
P3,BIO_101_A_24F,I,
""",
    "grade.csv": """ALTERNATIVE_ID,COURSE_ID,GRADABLE_OBJECT,CATEGORY,MAX_POINTS,EARNED_POINTS,WEIGHT,GRADE_DATE
P1,BIO_101_A_24F,Essay 1,Homework,5,4,0.05,2024-09-20T10:00:00
P1,BIO_101_A_24F,Final,Final Exam,100,,0.25,
P2,BIO_101_A_24F,Essay 1,Homework,5,6,0.05,2024-09-20
P3,BIO_101_A_24F,Quiz 1,Quizzes,10,7,0.1,
""",
    "activity.csv": """ALTERNATIVE_ID,COURSE_ID,EVENT,EVENT_DATE
P1,BIO_101_A_24F,content.read,2024-09-03T10:58:34
P1,BIO_101_A_24F,content.read,2024-09-03T10:58:34
P1,BIO_101_A_24F,asn.submit.submission,2024-09-19T22:00:00
P3,BIO_101_A_24F,jforum.strange,2024-12-13T08:00:00
P4,BIO_101_A_24F,pres.begin,2024-11-01T00:00:00
""",
}

ONEROSTER: Final = {
    "manifest.csv": """propertyName,value
manifest.version,1.0
oneroster.version,1.1
file.academicSessions,bulk
file.categories,absent
file.classes,bulk
file.courses,bulk
file.demographics,absent
file.enrollments,bulk
file.lineItems,bulk
file.orgs,absent
file.results,bulk
file.users,bulk
source.systemName,made up
""",
    "academicSessions.csv": """sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,\
schoolYear
T1,,,Autumn,term,2024-09-02,2024-12-21,,2025
T2,,,Spring,term,2025-01-06,2025-04-05,,2025
""",
    "courses.csv": """sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,\
subjects,subjectCodes
C-BIO,,,,Biology,BIO1,,S1,,
""",
    "classes.csv": """sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,\
schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods
K1,,,"Biology, Smith",,C-BIO,,scheduled,,S1,"T1,T2",,,
K2,,,Nowhere,,C-NONE,,scheduled,,S1,T1,,,
""",
    "users.csv": """sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,\
familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password
U-ada,,,true,S1,student,ada77,,Ada,Lovelace,,,ada@example.org,,,,,
U-ben,,,true,S1,student,ben78,,Ben,Bitdiddle,,,ben@example.org,,,,,
U-tea,,,true,S1,teacher,smith,,Jo,Smith,,,smith@example.org,,,,,
""",
    "enrollments.csv": """sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,\
primary,beginDate,endDate
E-ada-K1,,,K1,S1,U-ada,student,,,2025-04-05
E-ben-K1,active,2024-09-20T10:00:00.000Z,K1,S1,U-ben,student,,2024-09-09,2024-11-01
E-tea-K1,,,K1,S1,U-tea,teacher,true,,
E-cy-K1,,,K1,S1,U-cy,student,,,
E-ada-K2,,,K2,S1,U-ada,student,,,
""",
    "lineItems.csv": """sourcedId,status,dateLastModified,title,description,assignDate,dueDate,classSourcedId,\
categorySourcedId,gradingPeriodSourcedId,resultValueMin,resultValueMax
L1,,,Essay on cells,,2024-09-10,2024-09-30,K1,,T1,0.0,20.0
L2,,,Final exam,,,2025-04-01,K1,,T2,0.0,100.0
""",
    "results.csv": """sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,\
scoreDate,comment
R1,,,L1,U-ada,fully graded,15,2024-10-07,"Well done, Ada"
R2,,,L1,U-ben,not submitted,,2024-10-07,
R3,active,2024-10-09T12:00:00Z,L2,U-ada,partially graded,101,2025-04-03,
R4,,,L9,U-ada,fully graded,5,2024-10-07,
""",
}

COURSERA: Final = {
    "courses.csv": """course_id,course_slug,course_name
CC1,made-up,"A \\"made up\\" course"
""",
    "course_branches.csv": """course_id,course_branch_id,authoring_course_branch_name
CC1,CC1,Original
CC1,branch~2,Second
""",
    "on_demand_sessions.csv": """course_id,on_demand_session_id,on_demand_sessions_start_ts,\
on_demand_sessions_end_ts,on_demand_sessions_enrollment_end_ts,course_branch_id
CC1,S1,2016-05-02 07:00:00,2016-06-06 06:59:59.999,2016-05-07 07:00:00,CC1
CC1,S2,2016-06-06 07:00:00,2016-07-11 06:59:59.999,2016-06-11 07:00:00,branch~2
""",
    "on_demand_session_memberships.csv": """course_id,on_demand_session_id,partner_user_id,\
on_demand_sessions_membership_start_ts,on_demand_sessions_membership_end_ts
CC1,S1,aaa,2016-05-01 10:00:00,2016-06-01 10:00:00
CC1,S2,aaa,2016-06-01 10:00:00,NA
CC1,S1,bbb,2016-05-03 09:00:00,
""",
    "course_memberships.csv": """partner_user_id,course_id,course_membership_role,course_membership_ts
aaa,CC1,BROWSER,2016-04-30 10:00:00
aaa,CC1,LEARNER,2016-05-01 10:00:00
bbb,CC1,LEARNER,2016-05-03 09:00:00
bbb,CC1,NOT_ENROLLED,2016-05-20 09:00:00
ccc,CC1,LEARNER,2016-05-05 08:00:00
ttt,CC1,TEACHING_STAFF,2016-01-01 08:00:00
""",
    "course_item_types.csv": """course_item_type_id,course_item_type_desc,course_item_type_category,\
course_item_type_graded
1,lecture,lecture,f
6,exam,quiz,t
""",
    "course_items.csv": """course_id,course_item_id,course_lesson_id,course_item_order,course_item_type_id,\
course_item_name,course_item_optional
CC1,vid01,L1,0,1,"What is a \\"line\\"?",f
CC1,exa01,L1,1,6,Exam,f
""",
    "course_branch_items.csv": """course_branch_id,course_item_id,course_lesson_id,course_branch_item_order,\
course_item_type_id,course_branch_item_name,course_branch_item_optional
branch~2,vid02,L1,0,1,"New video",f
branch~9,vid03,L1,0,1,"Never shown",f
""",
    "course_progress.csv": """course_id,course_item_id,partner_user_id,course_progress_state_type_id,course_progress_ts
CC1,vid01,aaa,1,2016-05-04 20:15:00
CC1,vid01,aaa,2,2016-05-04 20:25:00.5
CC1,vid02,aaa,1,2016-06-10 20:00:00
CC1,vid01,ccc,1,2016-05-06 01:00:00
CC1,vid01,ttt,1,2016-05-02 01:00:00
CC1,vid01,zzz,1,2016-05-02 01:00:00
""",
    "course_grades.csv": """course_id,partner_user_id,course_grade_ts,course_passing_state_id,\
course_grade_overall_passed_items,course_grade_overall,course_grade_verified_passed_items,course_grade_verified
CC1,aaa,2016-07-01 12:00:00,2,1,0.91,1,0.91
CC1,ccc,2016-05-09 12:00:00,0,0,0.1,0,0
""",
    "course_item_grades.csv": """course_id,course_item_id,partner_user_id,course_item_grade_ts,\
course_item_passing_state_id,course_item_grade_overall,course_item_grade_verified,course_item_grade_pending
CC1,exa01,aaa,2016-05-30 12:00:00,2,0.91,0.91,NA
CC1,exa01,ccc,2016-05-09 12:00:00,0,1.7,0,
""",
    "discussion_questions.csv": """discussion_question_id,partner_user_id,discussion_question_title,\
discussion_question_details,discussion_question_context_type,course_id,course_module_id,course_item_id,\
discussion_forum_id,country_cd,group_id,discussion_question_created_ts,discussion_question_updated_ts
q~1,aaa,"Why \\"line\\"?","<co-content><text>Write me
at ada@example.org, @ben, +44 20 7946 0000</text></co-content>",forum,CC1,,,f~1,GB,,2016-05-05 10:00:00,
""",
    "discussion_answers.csv": """discussion_answer_id,partner_user_id,course_id,discussion_answer_content,\
discussion_question_id,discussion_answer_parent_discussion_answer_id,discussion_answer_created_ts,\
discussion_answer_updated_ts
w~1,ttt,CC1,"Because.",q~1,,2016-05-05 11:00:00,
w~2,aaa,CC1,"Thanks \\o/",q~1,w~1,2016-05-05 12:00:00,
""",
    "discussion_question_votes.csv": """partner_user_id,course_id,discussion_question_id,\
discussion_question_vote_value,discussion_question_vote_ts
bbb,CC1,q~1,1,2016-05-06 10:00:00
""",
    "video-2016-05-04.csv": r"""a1aa,cookie,2016-05-04 20:16:00.123,ip,Mozilla,\
https://www.coursera.org/learn/made-up/lecture/vid01/what,,en,CC1,GB,ENG,Europe/London,os,browser,start,\
"{\"timecode\":0,\"item_id\":\"vid01\"}"
""".replace("\\\n", "").replace("a1aa", "aaa")
    + r"""aaa,cookie,2016-05-04 20:17:00,ip,Mozilla,,,en,CC1,GB,ENG,Europe/London,os,browser,seek,\
"{\"timecode\":61.5,\"video_name\":\"A \\\"b\\\"\"}"
,cookie,2016-05-04 20:17:00,ip,Mozilla,,,en,CC1,GB,ENG,Europe/London,os,browser,play,"{}"
""".replace("\\\n", ""),
}


def _written(folder: Path, tables: dict[str, str]) -> Request:
    for name, text in tables.items():
        (folder / name).write_text(text, encoding="utf-8")
    return Request([folder], {}, KEY)


def kddcup2015(folder: Path) -> Request:
    """A course in the native form and one as daily totals."""
    return _written(folder, KDD)


def uci697(folder: Path) -> Request:
    """Four learners of a degree, two of whom say the same."""
    return _written(folder, UCI697)


def uci320(folder: Path) -> Request:
    """Two learners of mathematics, one of Portuguese."""
    return _written(folder, UCI320)


def lap(folder: Path) -> Request:
    """A course with three learners, and one whom only the log knows."""
    return _written(folder, LAP)


def oneroster(folder: Path) -> Request:
    """A bulk bundle: a class of a course, a class whose course is missing, three users."""
    return _written(folder, ONEROSTER)


def coursera(folder: Path) -> Request:
    """A course with two sessions, a learner who moves from one to the other, one in none, and a teacher."""
    return _written(folder, COURSERA)


TRACING: Final = {
    "fractions.csv": """learner,item,skill,correct
7,i1,halves,1
8,i1,halves,0
7,i2,halves;thirds,0
8,i2,halves~~thirds,true
7,i3,thirds,maybe
7,i1,,1
""",
    "parts.csv": """student_row,split,seq,skill,correct
0,train,0,s1,1
0,train,2,s1,1
0,train,1,s2,0
0,test,0,s1,0
""",
}


def tracing(folder: Path) -> Request:
    """Answers in order of two sets, one of them dealt out into parts."""
    return _written(folder, TRACING)


CODED: Final = {
    "posts.csv": """id,post_time,post_text,Urgency_1_7
1,1379316785,"I can not submit, please help. Write to eve@made.example",6
2,1379316999,Nice to meet you all,1
2,1379316999,Nice to meet you all,1
3,1379317000,When is the deadline?,
4,soon,What is due?,5
""",
    "comments.csv": """sentiment,text
1.0,A fine course
-1.0,"Too fast, and boring"
""",
}


def coded_texts(folder: Path) -> Request:
    """Posts with times and codes, and comments without times; rows that lack one or the other."""
    return _written(folder, CODED)


CASES: Final[dict[str, Callable[[Path], Request]]] = {
    "coded-texts": coded_texts,
    "coursera": coursera,
    "kddcup2015": kddcup2015,
    "lap": lap,
    "oneroster": oneroster,
    "tracing": tracing,
    "uci320": uci320,
    "uci697": uci697,
}
