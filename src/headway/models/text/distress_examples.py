"""Sentences from which the distress model learns: signs, and hard sentences that are none.

All were written for headway; none is copied from anywhere, none is about a real person. Sentences kept for measuring
are in `tests/support/distress_sentences.py` and must never come here.
"""

from typing import Final

SIGNS: Final = tuple(
    """
I can't go on any more.
Nobody would miss me if I stopped turning up.
I don't want to be here any longer, and I don't mean the course.
I keep thinking that everybody would be better off if I was gone.
I doubt anyone would notice if I weren't around.
I just want it all to stop.
I wish I could go to sleep and not wake up.
My roommate said last night that she wants to kill herself and I don't know what to do.
What is the point of anything, really.
Everyone I love would have an easier life without me around.
I've been thinking a lot about not being alive.
Some days I don't see why I should keep living.
I have nothing left in me.
I have been cutting again since the exams started.
My boyfriend hits me and I cannot study at home.
I can't afford food this month, let alone the textbook.
I don't think I can do this anymore.
There's no way out for me.
I feel like ending it.
Life isn't worth it any more.
Sorry for the late work, my mother died on Tuesday.
I had three panic attacks this week and I can't breathe when I open the page.
i cant stop crying and i dont know who to tell
We are being evicted on Friday and I have nowhere to go.
I hate myself for failing again.
honestly i want to die
I took too many pills last month and I am scared I will do it again.
I am so alone here, I have not spoken to anybody in weeks.
I haven't slept in days and everything is falling apart.
Since the diagnosis I feel like a burden to everyone around me.
Someone in my group keeps threatening me outside class.
I was assaulted after the party and I can't come to campus.
My friend posted goodbye messages and won't answer her phone.
I see no future for myself.
I am at my breaking point.
I really can't keep doing this, I am just so tired of being alive.
If I vanished tomorrow not one person would care.
I don't belong in this world and I never did.
Sometimes I look at the bridge on my way to class and think about jumping.
It would be easier for my parents if I had never been born.
I'm done. I'm not going to be around for the final.
I have written letters to my family and I think it is time.
Every morning I am disappointed that I woke up.
i wanna disappear forever
no one would even notice if i died
I can't see any way forward, it is all black.
Living hurts too much.
I don't have the strength to live through another week of this.
I've started hurting myself again and nobody knows.
I think about suicide every day.
I am worthless and I will never be anything else.
My ex keeps following me home and I am afraid.
My stepfather beats us when he drinks.
I sleep in my car since my landlord threw me out.
I have not eaten since Sunday because there is no money left.
I cry myself to sleep every night.
I am drowning and nobody can see it.
I can't cope any more, please, somebody help me.
I broke down in tears in front of the whole lab and could not stop shaking.
My brother killed himself in March and I can't think of anything else.
My dad has cancer and I am his only carer, I am exhausted.
I lost the baby last week.
I lost my job and I don't know how I will pay the rent.
My flatmate has taken an overdose before and today she locked herself in.
I feel dead inside.
I'm scared of what I might do to myself tonight.
There is nobody left who would care whether I live.
What's the use of going on?
I wish the earth would swallow me and never give me back.
I've got a plan and I've got the pills.
He said he would hurt me if I left the house for class.
I feel nothing, day after day, and I don't leave my bed.
My anxiety is so bad that I was in hospital on Monday.
I'm ready to give up on everything.
Ich will nicht mehr leben.
I don't see the sense in waking up any more.
Since my accident I can't stop thinking that I should have died.
It's like I'm already a ghost, people walk through me.
Please tell my parents I'm sorry for everything.
I keep looking up how many tablets would be enough.
I just can't. I can't do any of it. I'm sitting on the bathroom floor.
Sorry, I won't be handing anything in, I am planning to leave this life behind.
I'm so far down that I don't know who I am any more.
Nobody here would even notice whether I'm alive.
Every day is torture and I want out.
I wish that I had died in the crash instead of him.
I feel unsafe in my own home because of my husband.
My uncle touches me when my parents are out.
I can't take living in this house, my father screams and throws things at me every night.
I'm hungry most days because my loan was stopped.
We have been without electricity for two weeks and there is no money for rent.
My wife left and took the children, I can't think straight and I cry at work.
My grandmother who raised me died yesterday.
I'm back on the ward and they changed my medication again.
I stopped eating again and I can't tell my family.
My best friend told me she has bought pills, what should I do?
I am worried that my brother will kill himself.
I had to leave the exam because I was hyperventilating and thought I was dying.
Lately I cry for no reason and I can't get up.
I'm utterly worn out, I have no strength left for anything.
I'm trapped and there is nobody I can turn to.
I am a complete failure and my family would be relieved if I was dead.
Some guy from the course keeps sending me threatening messages.
They call me slurs in the group chat and I'm afraid to come to class.
Is there a counsellor I could see? I am really not well.
To be honest I have been very low since January and I've had thoughts of hurting myself.
I hate being alive.
can't do life anymore
Je veux mourir.
I don't think I will make it to the end of this year.
I've started giving away my things because I won't need them.
I wrote a will last night, I am twenty.
I have been saving up my tablets for when it gets too much.
I looked up ways to do it and now I can't stop looking.
I've thought about how I would do it and where.
I tried to end it in spring and I am thinking about it again.
I want this pain to be over, whatever it takes.
The pain in my head is unbearable and I see only one way to stop it.
I drive too fast at night and hope that something happens.
There is no reason for me to be here.
I have no purpose, I just take up space.
I feel trapped and every door is closed.
I feel guilty for being alive.
I am so ashamed of myself that I can't look at anybody.
I only make life harder for the people around me.
My family carries me like a stone and they would be lighter without me.
I don't fit in anywhere and nobody wants me around.
Nobody has talked to me in weeks and I have stopped hoping.
I have pulled away from everyone and I can't find the way back.
I don't answer my friends any more, I just lie there in the dark.
I can't feel joy about anything any more.
Nothing I used to love means anything to me now.
Nothing cheers me up, not even my little boy.
I feel down every single day and it is getting worse.
I have been depressed for months and I can't hide it any longer.
I feel like I have let my whole family down.
I hate what I have become.
I look in the mirror and I feel disgust.
I see no light at the end of this.
It will never get better for me.
I have lost all hope that things will change.
I don't care about anything, not even about myself.
I'm so tired, not sleepy tired, tired of all of it.
I just want to sleep and not have to feel anything.
I drink every night so that I don't have to feel.
I've been drinking since the morning and nobody has noticed.
I take pills to get through the day and more pills to sleep.
I can't sleep, I can't eat, I just shake.
I lie awake until five every night and my thoughts won't stop.
I wake up at three with my heart racing and I think I'm dying.
I have not washed or eaten properly for a week.
I have lost twelve kilos because I can't keep food down.
I make myself throw up after every meal.
I burn my arms so that I can feel something.
I scratch my skin until it bleeds when the marks come out.
The voices tell me that I am rubbish and I believe them.
Something in my head is broken and I am frightened of it.
I'm scared all the time and I don't know why.
I can't stop worrying, my chest is tight and I can't breathe.
I had an anxiety attack in the middle of the presentation and ran out.
I'm falling to pieces and nobody around me can tell.
I smile at everyone and inside I'm screaming.
I am at the end of my strength.
I can't carry this any more.
It's all too much and I don't know where to turn.
I'm breaking and I can't tell anyone.
I am so angry that I am afraid I will do something terrible.
I could explode, I punch walls until my hands are bloody.
Everything went wrong this year and I can't see how to start again.
I don't know how to keep myself safe tonight.
I should not be left alone right now.
Please can somebody talk to me, I am not safe.
I don't know who else to tell, I need help urgently, not with the course.
Since my baby was born I cry all day and I'm afraid to be alone with her.
My girlfriend left me and I can't see a life after this.
My husband died in the summer and I can't get through a single day.
My father had a stroke and I sit by his bed every night.
We buried my best friend on Friday.
My mum is dying and I can't think about essays.
Our house burned down and we have nothing left.
My family fled and I do not know whether they are alive.
There are bombs falling where my parents live and I can't reach them.
I was attacked on my way home and I have not left my room since.
I was raped and I have not told anybody.
A lecturer touched me and said I would fail if I talked.
My partner hits me and then says sorry, and it gets worse each time.
My husband takes my phone and doesn't let me see anybody.
My father said he will kill me if I don't marry the man.
He waits for me outside every evening and I am terrified.
They post my pictures and tell me to kill myself.
Somebody in the group chat keeps writing that I should die.
I get hateful comments about my skin colour every day and I can't take it.
I am sleeping on the floor of the library because I have nowhere to stay.
I lost my flat and I move from sofa to sofa.
I eat once a day because that's all that I can pay for.
My account is empty and my children are hungry.
They will send me back to my country and I will be killed there.
My friend texted me that she is going to do it tonight.
One of the people in my group wrote that he can't go on living.
I'm afraid my flatmate will hurt herself, she has locked the door.
My daughter says that she wants to be dead.
A classmate gave me his laptop and said he won't need it any more.
She keeps saying we would all be better without her and I don't know what to do.
i feel so empty and theres no point to anything
im a failure at everything and everyone knows it
i dont want to do this anymore and i dont mean the homework
nobody loves me and i get why
""".strip().splitlines()
)

HARMLESS: Final = tuple(
    """
This deadline is killing me.
Kill the process and start the server again.
How do I kill a thread in Java?
I can't go on to the next quiz because the button is grey.
I'm dying to see the next lecture!
Suicide rates rose in 2008 according to the reading.
Hamlet wants to kill himself in that scene, or so it seems.
I'm so stressed about the deadline, can we have two more days?
I can't take the quiz any more, it says zero attempts left.
My laptop died in the middle of the exam.
The link is dead.
I died laughing at the last slide.
The financial crisis of 2008 is the topic of week 4.
I'm not suicidal, the homework is just long.
I have no idea how to end this loop.
The poem is about a woman who does not want to live.
There is no point in using a list here.
I give up on question 4, can somebody explain it?
I lost my notes.
The patient was diagnosed with diabetes at the age of 40.
My code keeps crashing and it is driving me crazy.
Can I drop the lowest score?
I missed the deadline by five minutes.
The character takes her own life in chapter nine.
I hate this assignment.
I hate regular expressions.
This course is a nightmare.
The professor cut me off in the middle of my question.
The child process hangs when the parent is killed.
I am lost in week three.
The video stops and then everything is black.
I would be better off with the older edition of the book.
Nobody answered my question.
No one would notice the typo on slide 12.
I can't do this exercise any more without the data set, it is gone.
I don't want to be here until midnight, when does the lab close?
She was a burden on the budget, says the case study.
Is it worth taking the second course?
I am tired of these peer reviews.
I wish I could sleep more during exams.
My battery is dying.
I would die for a good pair of headphones.
The battle killed thousands of men.
Why does the heroine decide to die?
The overdose data are in the second sheet.
We studied depression as an economic event.
The Great Depression is in chapter five.
I feel hopeful about the final.
I am done with the course, it was great.
I am done with living cells, next is tissue.
Everything is pointless in Beckett's play, I think.
I can't see the video.
I can't see tomorrow's quiz on the page.
My grade disappeared.
I want to disappear the axis labels, how?
Panic not, the deadline was moved.
Hit me with your best questions!
It beats me why this returns null.
I am crying with laughter at this meme.
Tears of joy when the tests finally passed!
Anyone else drowning in homework?
My wifi died so I missed the live session.
The experiment harmed nobody.
I hurt my wrist, may I type instead of writing by hand?
The king is murdered in act two.
How do I end my turn?
How do I end my subscription?
The function never returns, is there a way out of this loop?
I am falling behind with the videos.
I can't handle the exception in line 4.
The speaker of the poem says she has nothing left.
Vaccines prevent death in children.
He argues that life has no meaning without work.
The study followed participants with suicidal thoughts for ten years.
Abortion law is the subject of next week's reading.
I am struggling with integrals.
The quiz kicked me out twice.
I lost my connection.
I am so over this week, thank goodness for Friday.
This is the end of my essay.
The exam killed me, but I think I passed.
That proof was murder.
If I miss the quiz, will anyone notice?
I'd rather die than use that text editor again, haha.
My computer keeps dying when I open the simulation.
What is the point of the second derivative test?
What is the point of this exercise?
There is no reason to live with the old version, just upgrade.
I can't go on with the assignment until the data are released.
Nobody cares about the formatting, right?
I don't want to be here in the forum all day, so a short answer is fine.
I feel dead after that midterm.
The soldier's last letter says that he is ready to die.
Sylvia Plath's death is often read into her poems.
Durkheim explains why rates of suicide differ between groups.
Which variable measures hopelessness in this survey?
Self-harm is listed as an outcome in table 3 of the article.
In this scene she tells her sister that she wants to die.
The company was struggling to survive the crisis.
The patient in the case attempted suicide twice, which treatment would you choose?
We lost the match and my voice.
The program aborts with a fatal error.
I keep getting killed in level three of the game.
My phone died, so I could not scan the code.
I'm hopeless at drawing, is that a problem?
I am terrible at statistics.
This is hopeless, the page will not load.
I am tired of waiting for the grades.
I have no energy left for the optional reading.
I want this course to be over.
My group is falling apart because two people dropped the course.
Everyone would be better off with a printed schedule.
Would anybody mind if I left the group?
I'm not going to be around on Friday, can I submit on Thursday?
I will not be here next week because I am travelling.
Goodbye everyone, it was a great course!
Thank you and goodbye.
I can't live without this discussion forum!
How do I remove myself from the mailing list?
I cut myself a copy of the slides.
Cut the string at the first comma.
I was harassed by pop-ups on the old site.
My cat died on the keyboard, sorry for the typo, he is fine.
The hero takes revenge and then dies.
The plague killed a third of the population.
Is assisted dying covered in the ethics module?
We discussed abuse of power in class.
The abuse of notation in this lecture confuses me.
How is child poverty measured?
Homelessness rates are in the second data set.
I skipped breakfast to finish the quiz.
Rent is the dependent variable in my model.
The tenants were evicted in 1934, says the source.
My mother is visiting, so I need an extension.
My father is a doctor, and he liked lecture three.
My friend and I have the same answer, is that a problem?
My sister hurt her foot, so I will watch the recording.
The death penalty is the topic of my essay.
I'm burned out on group projects.
I can't breathe through my nose, so I will stay at home today.
I had a small accident with my coffee and the notebook is gone.
I was in hospital for a check-up of my knee, all is fine, but may I have one more day?
I am scared of the oral exam.
I am afraid I do not understand the second step.
I'm afraid of missing the deadline.
The lecturer looked depressed by our answers.
The depressed region in the figure is marked blue.
What are the symptoms of depression in this model?
I feel numb from the dentist, so no speaking exercise today.
My anxiety about the quiz was unfounded, it was easy.
Alone in the lab, who wants to join?
I am the only one in my group.
Nobody in my group answers, can I be moved?
I have nobody to do the pair exercise with.
I can't stop watching these lectures.
I can't stand the background music in the videos.
I cried when the course ended, it was that good.
The ending made me cry.
I lost all my points because of the late penalty.
I lost hope of finishing the bonus task.
It's all too much theory and too little practice.
Too much material for one week.
Everything is too fast in this lecture.
I am overwhelmed by the kindness in this forum.
I want to quit the team and join another.
I gave up on the extra credit.
This bug makes me want to throw my laptop out of the window.
The server is down again, this is a crisis!
Please put an end to the spam.
End it with a semicolon.
How does it end?
Why does the loop never end?
I wish the video would stop buffering.
The pain in the poem is physical, I think.
Sleep is important for memory, see the second reading.
To sleep, perchance to dream: what does the line mean?
In the afterlife the dead are judged.
Achilles chooses an early death.
Does anyone else think that the narrator is unreliable?
I missed you all last week.
We miss the old layout.
I hit submit twice by mistake.
My score was hit by the penalty.
He beat me in the leaderboard.
Thanks for the help, you saved my life!
You are a lifesaver.
This lecture changed my life.
Life is short, use a library.
Game of Life: how do I keep a cell alive?
How do I keep the connection alive?
Is the thread still alive?
The market is dead.
Over my dead body will I write this in COBOL.
I have a burning question.
I need help with question three, I am totally stuck.
Help! The deadline is tonight and the upload fails.
I need someone to talk to about my project topic.
Can I talk to somebody about my grade?
I don't know what to do with the missing values.
I don't see the point of view of the author.
I see no exit condition in this loop.
I can't find a way out of the maze in exercise 2.
Could somebody tell my group that I'm sorry for being late?
How many tablets were given to the control group?
I can't do any of the exercises in part B.
I want out of this group, is a change possible?
The crash happens when I press save.
Every page load is torture on this site.
I'm trapped in the captcha.
There is nobody I can ask about question 5, so I ask here.
I feel so far behind.
The ghost in the play is his father.
He throws an exception at line 12.
My uncle recommended this course.
The loan example in week two is wrong.
Is hunger a variable in the poverty index?
We had no electricity yesterday, so I missed the live lecture.
My wife is taking the course with me.
My grandmother would love this lecture.
The ward data set has missing rows.
I stopped the video at 3:10 because the sound was gone.
The pill example in probability confuses me.
My brother is in the same section.
I had to leave the exam early because of a fire alarm.
I have no strength in algebra.
I'm a complete beginner.
My family is proud of me for finishing.
Somebody keeps sending spam in the group chat.
I am afraid to press submit too early.
I am really not well prepared.
My mood is low after that grade, but I'll try again.
I hate being late.
I can't do the quiz any more because it closed.
What happens to the thread when its parent dies?
Should I kill the loop with break?
My cursor disappears.
The patients died in both arms of the trial.
The article asks whether doctors should help people die.
In the story nobody notices that the clerk is gone.
Camus begins with the question of suicide.
I think the author wants to say that life is absurd.
Virginia Woolf drowned herself in 1941.
The gas chamber scene is hard to watch.
I was dying of boredom in week three.
My brain is dead after this chapter.
The battery will be dead soon, so I will answer tomorrow.
I'm sick of these pop-ups.
I'm tired of typing the same command again.
I'm exhausted but happy that I finished!
I have been crying over this proof for hours, haha.
Everything hurts after the gym, can I hand in by voice?
My life would be easier with a dark mode.
Would it be better if I were in another time zone?
I can't wait for this to end so that I can sleep.
I just want it to compile.
I want the loop to stop.
How do I stop the music?
Who cares about the third decimal?
Nobody cares about grammar in this forum.
It makes no sense to me that the mean is larger.
I'm lost without the transcripts.
I don't see a future for this programming language.
There is no hope for my grade in calculus.
I have lost all my data.
No reason to worry, the deadline was moved.
My parents want me to study medicine.
I fell asleep during the lecture.
I want to sleep.
I didn't wake up in time for the quiz.
I overslept and missed the exam, is there a second date?
She said that her heart is broken in line 4.
The wound in the poem stands for guilt.
I have a headache from the screen.
I had the flu last week and need an extension.
My doctor says I may not use a screen for three days.
The therapist in the role play speaks too fast.
The counsellor in the video explains active listening.
We learn how counselling works in unit 2.
I was robbed of two points.
The test attacked my self-esteem, lol.
I was shot down in the peer review.
My ex from the pair project won't answer, can I change partners?
I currently live in a small town and work in a hospital.
I'm a physician and I look after people with cancer.
I am a registered nurse and I have seen many people die of this.
I'm new here and I have been living abroad for ten years.
My uncle died of polio as a child, so I am curious about vaccines.
When I was young my mother worked as a nurse.
I am anxious to learn more about this topic.
I can't afford the time for the optional reading.
The soldier cried and the men burst into tears in the last scene.
The suitors mock him and threaten his son.
In my notes it says that the pair is threatened by a third term.
I got most lost at the part with the second derivative.
I hate to say it but the second lecture was weaker.
Am I alone in getting a different number?
I'm not the only one who feels lost in week three.
I had shingles last year and the doctor explained the vaccine.
My daughter was diagnosed early and is doing well, thanks to her teachers.
I work as a legal assistant on cases of domestic violence.
I was in hospital for a small operation and I'm back now.
I am sick of these pop-ups.
I feel down about my score but I'll try again.
I feel empty handed without the slides.
I'm exhausted after the marathon, so I'll post tomorrow.
I can't take the test on Friday, can I take it on Monday?
I want out of group three, please move me to group five.
I want to drop this course without losing my deposit.
I'm tired of the same examples.
Nobody answered my question about part two.
Nobody in my group has written anything yet.
I feel guilty for not reading the chapter.
I'm ashamed to say that I never learned fractions.
I give up, what's the trick in problem four?
I can't stop watching these videos, they are so good.
I can't sleep because this puzzle is so interesting.
My heart was racing before the quiz but it went well.
I cried at the end of the film, what a story.
I was scared of statistics before this course and now I love it.
I am worried that I will miss the deadline.
I'm stressed about the exam, any tips?
My friend and I are not sure who submits.
I have no idea how to go on with question two.
I see no light in the plot, is the lamp broken?
There is no point in rounding here.
The pain scale in the study goes from one to ten.
I lost my notes and have to start again.
We lost the game but the team was happy.
My landlord is fixing the internet, so I will be late.
I missed my bus and slept on my friend's sofa.
I'm hungry, see you after lunch.
The drug is given once a day in both groups.
I hear voices in the recording but they are very low.
My computer is dead and I need help urgently.
I am trapped in a loop in exercise three.
I broke the build and I am so sorry.
Someone please help me with the installation.
""".strip().splitlines()
)
