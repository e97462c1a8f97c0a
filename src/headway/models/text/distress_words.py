"""Phrases and ideas by which people say that they are not well, by category, with how strongly each speaks.

Categories follow what screening asks about and what learners bring to advisers: thoughts of death passive and active
(the order of the Columbia scale, Posner et al. 2011), hopelessness, acute stress, abuse, loss, health, money, and worry
about somebody else. All phrases are our own. They find what a human should read; they diagnose nothing.
"""

from typing import Final

from headway.models.text.words import listed

CATEGORIES: Final = {
    "self_harm": "thoughts of death or of harming oneself",
    "hopelessness": "hopelessness",
    "acute_stress": "stress beyond what one can carry",
    "abuse": "violence, abuse or harassment",
    "other_at_risk": "worry about somebody else's life",
    "loss": "a death or a loss",
    "health": "a serious illness",
    "finance": "no money for food, rent or a home",
}

PHRASES: Final[dict[str, dict[float, str]]] = {
    "self_harm": {
        0.97: """
            kill myself, killing myself, end my life, ending my life, take my own life, taking my own life, take my
            life, commit suicide, committing suicide, i am suicidal, feel* suicidal, been suicidal, suicidal thoughts,
            thoughts of suicide, think* ~ suicide, think* about killing myself, attempt* suicide, tried to kill
            myself, hang myself, shoot myself, drown myself, jump off ~ bridge/roof/building, jump in front of ~
            train, overdose on, overdosed, planning to die, suicide note, goodbye note, end my own life, ended my
            life, done with life, done with living, do not want to live, not want to live, do not wish to live, want
            to die, wants to die so badly, wanted to die, wanna die, wish i was dead, wish i were dead, wish to die,
            would rather be dead, rather die than live, better off dead, end it all, ending it all, end things for
            good, no reason to live, nothing to live for, nothing left to live for, not worth living, rather not be
            alive, do not want to be alive, not want to be alive, do not want to exist, not want to exist, stop
            existing, ready to die, time for me to go forever, leave this world, leaving this world, want to leave
            this life
        """,
        0.9: """
            hurt myself, hurting myself, harm myself, harming myself, cut myself on purpose, cutting myself, cutting
            again, self harm*, self injur*, burn myself on purpose, do something to myself, do not want to wake up,
            not want to wake up, never wake up, not wake up again, sleep forever, sleep and never, do not want to be
            here any more, not want to be here any more, not want to be around any more, wish i was never born, wish
            i were never born, wish i had never been born, wish i did not exist, wish i could disappear, want to
            disappear, wish i was not here, wish i were not here, wish i was not alive, no one would miss me, nobody
            would miss me, would anyone miss me, would anybody miss me, no one would notice if i, nobody would
            notice if i, no one would care if i, nobody would care if i ~ died/disappeared/vanished/left/was/were,
            better off without me, better without me, happier without me, easier without me, world without me, tired
            of living, tired of being alive, tired of life, sick of living, do not want this life, do not deserve to
            live, not deserve to live, do not see myself alive, can not go on living, can not live like this, can
            not live any more, do not want to go on, not want to go on, if i died, if i disappeared, if i vanished,
            if i was/were gone, if i was/were dead, if i was/were not around/alive/here any more, if i was/were no
            longer around/here/alive, notice/care/miss/mind ~~ if i was/were not around/here/there/alive, not being
            alive, not being around any more, not being here any more, keep on? living, like ending it, thought* ~
            ending it, think* ~ ending it, want to end it, ready to end it, life is not worth, not worth it any more
            to live, thinking ~ dying, think about dying, thinking about death, thoughts about/of death/dying,
            thoughts of ending, ways to die, how to die, painless way, want to stop being, stop being here, stop
            being alive, rid of me, easier if i, better for everyone if i was/were, sooner if i was/were gone,
            unalive myself, tried to end it, end it tonight, saving up ~ pills/tablets, stockpil* ~
            pills/tablets/medication, saved up ~ pills/tablets, bought ~ gun/rope, wrote my will, written my will,
            giving ~ my things away, giving away my ~ things/stuff/belongings, give away all my, not safe tonight,
            not be safe tonight, keep myself safe, not be left alone, should not be alone tonight, dead than alive,
            guilty for being alive, just take up space, only take up space, should just die, i should die, let
            myself die, not going to be alive
        """,
        0.86: """
            think* ~~ jumping, jumping off, jumping in front, jump in front of, took too many pills, taken too many
            pills, take all my/the pills, got the pills, have the pills, taken an overdose, took an overdose, with
            pills, a plan to end, a plan to die, do not belong in this world, not belong in this world, not belong
            on this earth, never been born, had not been born, not have been born, was never born, never be born,
            disappointed ~~ woke up, sad ~~ woke up, sorry ~~ woke up, wish ~~ not woken up, not woken up, not have
            to wake up, said my goodbyes, say my goodbyes, saying my goodbyes, say goodbye to everyone, saying
            goodbye to everyone, goodbye message*, goodbye letter*, farewell letter*, written ~ letters to my, wrote
            ~ letters to my, living hurts, life hurts, being alive hurts, hurts to live, hurts to exist, hurts to be
            alive, strength to live, strength to go on, strength to continue, energy to live, energy to go on, will
            to live, courage to live, live through another, survive another, get through another day/week/night,
            whether i live, if i live or die, live or die, swallow me, use of going on, use in going on, point of
            going on, point in going on, sense in going on, reason to go on, reason to stay, reason to keep, reason
            to get up, reason to be here, not meant to be here, not meant to be alive, should not be alive, should
            not be here any more, should not exist, deserve to die, deserve to be dead, rather not exist, rather not
            be here, rather not wake up, die in my sleep, fall asleep forever, never open my eyes, do not care if i
            live/die, not care if i live/die, not care if i wake, not mind dying, not mind if i died, hope i die,
            hope i do not wake, hope i get hit, hit by a bus/car/truck/train, nobody needs me, no one needs me, not
            needed by anyone, world does not need me, better place without me, space i take, nobody would be sad, no
            one would be sad, nobody would cry, no one would cry, nobody would even notice, no one would even
            notice, nobody would care, no one would care, no reason for me to be alive/here, no reason for me to
            live, wrote a will, lighter without me, sleep and not have to, sleep and not feel, not have to feel, not
            make it through ~ night/week/month/winter/year, punish myself, punishing myself, bleeds when, until it
            bleeds, think* about ending, thought about ending my, no purpose in life, carve my, burn my
            arms/skin/legs, scratch myself, starve myself to
        """,
        0.78: """
            do not want to be here, not want to be here, can not go on any more, can not go on like this, can not keep
            going, can not go on, can not carry on, can not do this any more, can not do life, can not do it any more,
            can not face another day, can not face tomorrow, done with everything, last message, final message, this
            is goodbye, goodbye forever, goodbye everyone forever, will not be here much longer, will not be around
            much longer, when i am gone, after i am gone, giving away my things, unalive, i might do something stupid,
            afraid of what i might do, scared of what i might do, not safe with myself, do not feel safe with myself,
            not feel safe alone
        """,
        0.3: """suicide, suicidal, overdose, killing yourself""",
    },
    "hopelessness": {
        0.72: """
            do/did not think/know/believe ~~ can do this/it/life any more, not think ~~ can keep going, not think ~~
            can go on, not know ~~ can keep going, not know ~~ can go on, not sure ~~ can keep going, not sure ~~ can
            go on, not know ~~ keep going, have nothing left, nothing left for me, i have got nothing, want it all to
            stop/end/be, want everything to stop/end/be, want my life to be over, make it all stop, make the pain
            stop, want the pain to stop/end, can not do this any longer, too tired to go on, too tired to keep, tired
            of trying, tired of fighting, tired of pretending, tired of everything, tired of it all, no point in
            living, no point in going on, no point in anything, no point any more, what is the point of living, what
            is the point of anything, what is the point of life, point of being alive, nothing matters any more,
            nothing matters, i am worthless, feel* worthless, am a burden, being a burden, just a burden, feel like a
            burden, burden to everyone/everybody/my, i hate myself, hate my life, hate being me, hate who i am, i am
            hopeless, feel* hopeless, feel* so hopeless, completely hopeless, lost all hope, lost hope, no hope left,
            there is no hope for me, given up on life, giving up on life, given up on everything, given up on myself,
            no way out, see no way out, no future for me, do not have a future, have no future, can not see a future,
            see no future, everything is pointless, life is pointless, life has no meaning, life is meaningless, empty
            inside, dead inside, feel* numb, feel* nothing any more, do not feel anything any more, nothing left in
            me, nothing left to give, my life is over, ruined my life, life is falling apart, world is falling apart,
            i am falling apart, hit rock bottom, in a very dark place, in a dark place, dark thoughts, nobody cares
            about me, no one cares about me, nobody cares if i, i am a failure, am such a failure, total failure as,
            disappointment to everyone/my
        """,
        0.7: """
            no way forward, any way forward, can not see a way forward/out, see no way forward, it is all black,
            everything is black, everything is dark, all dark, no hope, without hope, never be happy, never get
            better, will not get better, never going to get better, never be enough, never be good enough, i am
            nothing, i am a waste, waste of space, waste of oxygen, i am useless, feel* useless, am a
            disappointment, let everyone down, give up on everything, giving up on myself, give up on myself, give
            up on life, hurts too much, hurts so much, can not stand myself, disgusted with myself, ashamed of
            being, hate ~ my life, my life is a mess, life has no point, life feels pointless, life feels empty,
            nothing makes sense any more, nothing means anything, nothing feels worth, nothing is worth, feel
            nothing, do not feel anything, do not feel like a person, feel like a ghost, no light at the end, never
            going to change, never be okay/ok, stopped hoping, stop hoping, given up hoping, nothing ~~ means
            anything, means nothing to me any more, pulled away from everyone, withdrawn from everyone, pushed
            everyone away, push everyone away, tired of all of it, tired of all this, only make life harder, make ~
            life harder for, bad about myself, bad for everyone around me, could not cheer me up, sad all the time,
            so sad all, empty all the time, dead weight to, no use to anyone/anybody, no good to anyone/anybody, not
            worth anything, nothing but a burden, do not mean the course/homework/class/work, not see how to start
            again, can not see how ~ start again, all my fault and, do not matter to anyone, nobody cares whether,
            no one cares whether, no one wants me around, nobody wants me around, nothing to look forward to, no joy
            in, can not feel joy, can not enjoy anything, lost interest in everything, no interest in anything,
            nothing makes me happy, nothing cheers me, nothing brings me joy, do not care about anything, hate what
            i have become, disgusted by myself, ashamed of myself, so ashamed of, feel* trapped, do not belong
            anywhere, not belong anywhere, do not fit in anywhere, nobody wants me, no one wants me, nobody loves
            me, no one loves me, unlovable, nobody likes me, everyone hates me, everybody hates me, i let everyone
            down, let my ~ family down, failed everyone, failure at everything, fail at everything, nobody would
            understand, no one understands what i, do not see how ~ get through, not see how ~ get through, not know
            how ~ get through, nobody can help me, no one can help me, nothing helps any more, nothing helps,
            nothing left
        """,
        0.58: """
            i am so alone, i am all alone, feel* so alone, feel* completely alone, completely alone, utterly alone,
            feel* isolated and, no one to talk to, nobody to talk to, have no one, have nobody, no friends and, so
            lonely, feel* lonely, i am depressed, am so depressed, been depressed, being depressed, my depression,
            with depression, feel* depressed, severely depressed, do not care what happens to me, do not care any more
            what happens, do not see the point any more, given up completely, lost all motivation to live, can not get
            out of bed, not left my room, not left the house, not left my bed, stay* in bed all day, despair,
            desperate and alone
        """,
    },
    "acute_stress": {
        0.76: """
            panic attack*, can not stop crying, could not stop crying, could not stop shaking, can not stop shaking,
            cry* myself to sleep, crying every night/day, cry every night/day/evening/morning, broke down in tears,
            broke down crying, break down in tears, nervous breakdown, mental breakdown, having a breakdown, had a
            breakdown, breaking point, can not cope, not coping, could not cope, anxiety is so bad, anxiety is ~ out
            of control, anxiety has got ~ bad, depression is ~ bad, depression has, depression is back, i am
            drowning, feel like i am drowning, like i am drowning, am not ok/okay, not doing ok/okay, not doing well
            mentally, mentally not well, not in a good place, in a bad place, need help ~ mentally, somebody help
            me, someone help me please, please somebody help, please someone help, afraid of myself, scared of
            myself, do not trust myself, not slept since, have not slept since, not eaten since, have not eaten
            since, in crisis, having a crisis, mental health crisis, can not leave ~ house/room/bed, can not get out
            of bed, can not get up ~ morning, exhausted and alone, do not recognise/recognize myself, scared all the
            time, afraid all the time, frightened all the time, do not know who else to tell, not know who else to
            turn, do not know who to tell, do not know who to talk to, need help urgently and, not with the course,
            can not calm down, can not stop panicking, panicking all, shaking all, my thoughts will not stop, can
            not switch off my, everything is an effort, everything feels heavy, can not get through the day, can not
            get through a single, can not face anyone, can not face people, can not leave my bed, lie in the dark,
            lie there in the dark, breaking apart, at rock bottom, i could explode, punch* ~ wall/walls, i am going
            under, too much for me to bear, anxiety attack*, end of my strength, at the end of my strength, can not
            carry this, can not bear it, can not bear this, can not stand it any more, can not take it any more, can
            not take this any more, falling to pieces, fall* to pieces, screaming inside, lie awake ~~ every night,
            can not stop worrying, heart racing and, do something terrible, lost control
            of myself, can not keep food down, numb the pain
        """,
        0.62: """
            panic attack*, having a breakdown, had a breakdown, nervous breakdown, mental breakdown, breaking down,
            break down crying/in tears, broke down crying, broke down in tears, can not cope, not coping, can not
            handle ~ any more, can not take ~ any more, can not stand ~ any more, can not bear ~ any more, can not
            deal with ~ any more, at breaking point, at my breaking point, reached my limit, at my limit, end of my
            rope, end of my tether, at my wits end, losing my mind, going to lose it completely, can not stop crying,
            cannot stop crying, crying every night/day, cry every night/day, cry* myself to sleep, crying all the
            time, crying all day/night, crying for hours, crying in the bathroom/library/car, in tears every, have not
            slept in days, have not slept for days, not slept in ~ days, not slept for ~ days, have not eaten in/for ~
            days, not eaten in ~ days, not eaten for ~ days, can not sleep or eat, can not eat or sleep, can not eat,
            shaking and, can not breathe and, heart is racing and, mentally exhausted, completely burned/burnt out,
            burnout, mental health problem*/issue*/is/has/reasons, my mental health, need someone to talk to, need
            somebody to talk to, need to talk to someone, i need help and do not know where, everything is too much,
            it is all too much, all too much for me, all of it is too much, drowning and, i am drowning, drowning in ~
            everything, falling apart, do not know how much longer, not sure how much longer, do not know how to keep
            going, barely holding on, barely hanging on, hanging by a thread, barely function*, can not function
        """,
        0.36: """
            so overwhelmed, completely overwhelmed, really overwhelmed, overwhelmed with everything, very anxious, so
            anxious, my anxiety, anxiety attack*, severe anxiety, crying, so stressed, extremely stressed, really
            stressed, very stressed, terrified, exhausted all the time, i am scared, so scared, i am desperate,
            desperate, burned out, burnt out, struggling to cope, hard to cope, therapist, counsellor/counselor,
            counselling/counseling, i give up, ready to give up, want to give up
        """,
    },
    "abuse": {
        0.85: """
            following me, follows me, followed me home, beats us, hits us, hit us, hurt me if, would hurt me, will
            hurt me, wants to hurt me, threatening ~ me, threaten* ~ us, afraid of him, afraid of her, scared of him,
            scared of her, afraid for my life, afraid for my safety, fear for my life, fear for my safety, lays hands
            on, laid hands on me, grabbed me, punched me, kicked me in, slapped me, spat at me, hurts me, hurt me
            again, forces me to, controls everything i, takes my phone, checks my phone, will not let me go to, hits
            me, hit me again, beats me, beat me up, beating me, he hit me, she hit me, chokes me, choked me, strangled
            me, abuses me, abused me, abusing me, being abused, is abusive, abusive
            partner/boyfriend/girlfriend/husband/wife/father/mother/home/relationship/family, raped, was assaulted,
            been assaulted, sexually assaulted, sexual assault, sexually harassed, molested, touched me without,
            forced me to have, forced himself on me, threaten* to kill me, threaten* to hurt me, threatened me,
            threatening me, threatens me, stalking me, stalked by, is stalking, following me home, afraid to go home,
            scared to go home, afraid of my ~
            husband/wife/partner/boyfriend/girlfriend/father/mother/dad/mum/mom/brother/ex/roommate/flatmate, scared
            of my ~ husband/wife/partner/boyfriend/girlfriend/father/mother/dad/mum/mom/brother/ex/roommate/flatmate,
            not safe at home, not feel safe at home, unsafe at home, do not feel safe, not safe at my, domestic
            violence, thrown out of ~ house/home, forced marriage, force* me to marry, locked me in, will not let me
            leave the house, takes my money, blackmail* me, sharing my photos
        """,
        0.6: """
            threatening message*, threatening email*, threatening text*, sends me threat*, threats against me, i
            will be killed, we will be killed, told me to kill myself, tell me to kill myself, tells me to kill
            myself, tell me to die, that i should die, hateful comments, hateful messages, said he will kill me,
            said she will kill me, waits for me outside, does not let me see, grabs me, pushed me against, threw ~
            at me, posted my pictures, post my pictures, shares my pictures, bullied, bullying me, bully me, harass*
            me, being harassed, keeps harassing, racist remarks at me, call me names, calls me names, hate messages,
            discriminat* against me, cornered me, groped
        """,
    },
    "other_at_risk": {
        0.6: """
            locked herself in, locked himself in, will not answer her/his phone, not answering her/his phone, not
            answer
            her/his phone, goodbye message*, taken an overdose, took an overdose, not safe alone, does not want to be
            alive, does not want to be here any more, wants to end it, wants to end her/his/their life, talked about
            suicide, talks about suicide, talking about suicide, is suicidal, was suicidal, kill himself, kill
            herself,
            kill themselves, kill themself, killed himself, killed herself, killed themselves, killing himself,
            killing
            herself, take his own life, take her own life, took his own life, took her own life, took will not need it
            any more, not need them any more, wants to die, said goodbye to everyone, gave away ~ things, wrote that ~
            can not go on, says ~~ wants to be dead, their own life, take their own life, ending his/her/their life,
            end
            their life, suicide attempt, attempted suicide, no reason to live, better without her/him/them, better off
            without her/him/them, wants to be dead, want to be dead, can not go on living, going to do it tonight,
            will
            hurt herself/himself/themselves, wants to disappear, has given up on life, will do something to
            herself/himself, cuts herself/himself, end his life, end her life, ended his life, ended her life, hurt
            himself, hurt herself, hurting herself, hurting himself, harm himself, harm herself, died by suicide, he
            wants to die, she wants to die, they want to die, he wanted to die, she wanted to die, cutting herself,
            cutting himself, does not want to live, did not want to live, do not know if he is safe, do not know if
            she
            is safe, talk* about dying, posted that ~ die
        """,
    },
    "loss": {
        0.55: """
            passed away, died last, died on, died yesterday, died this, died suddenly, my ~ died, just died, has died,
            dad is dying, mother is dying, father is dying, mum is dying, mom is dying, is dying of, lost the baby,
            lost
            our baby, lost my
            father/mother/dad/mum/mom/brother/sister/son/daughter/husband/wife/partner/child/baby/grandmother/grandfather/grandma/grandpa/friend/parents,
            funeral, bereavement, bereaved, grieving, in mourning, death in ~ family, death of my, miscarriage,
            stillborn, buried my
        """,
    },
    "health": {
        0.62: """
            drink every night/day, drinking every night, drinking since the morning, drink to forget/sleep/cope,
            throw up after, make myself throw up, make myself sick, voices tell me, voices telling me, pills to get
            through, is in a coma, hospice, eating disorder, anorexi*, bulimi*,
            bipolar, psychosis, hearing voices, hear voices, schizophreni*, relaps* into, my addiction, drinking
            every day, drunk every, using drugs again, psychiatric, my carer, only carer, i am ~ carer, have cancer,
            has cancer, got cancer, my cancer, chemotherapy, intensive care, seriously ill
        """,
        0.46: """
            in hospital, in the hospital, hospitalised/hospitalized, emergency room, diagnosed with, surgery, car
            accident, serious accident, very ill, ptsd, psychiatrist, medication is not
        """,
    },
    "finance": {
        0.62: """
            lost my flat/apartment, sofa to sofa, couch to couch, eat once a day, one meal a day, eat every other
            day, all that i can pay, nowhere to stay, children are hungry, kids are hungry,
            account is empty, send me back to my country, sleeping on the floor of, no place to sleep, not eaten
            for, not eaten today because, threw me out, throw me out, kicked me out of ~ house/flat/home, how ~ to
            pay ~ rent, how i will pay, how i can pay, how to pay ~ rent, pay ~ rent, behind on rent, behind with
            the rent, can not pay for, not enough money for food, no money for, can not feed, cannot feed, not eaten
            since, no heating, no roof, on the street, in a shelter, at a shelter, couch surfing, sleeping on ~
            couch/sofa/floor, sleep in my, evicted, eviction, homeless, nowhere to live, nowhere to go, nowhere to
            sleep, sleeping in my car, sleeping on the street, sleep in my car, living in my car, no place to live,
            no place to stay, lost my home, lost my house, can not afford food, can not afford to eat, can not
            afford rent, can not afford my rent, can not afford ~ medication, can not pay ~ rent, can not pay for
            food, can not buy food, no money for food, no money to eat, no money left, no food, going hungry, go
            hungry, skip* meals, food bank, foodbank, electricity ~ cut off, power ~ cut off, in debt and, drowning
            in debt, loan shark*, cut off ~ funding, lost my job, going to be deported, deported
        """,
    },
    "elsewhere": {
        0.9: """
            ich will nicht mehr leben, will nicht mehr leben, ich möchte nicht mehr leben, mich umbringen, mir das
            leben nehmen, ich will sterben, möchte sterben, selbstmord begehen, nicht mehr weiter, keinen ausweg, mich
            selbst verletzen, je veux mourir, envie de mourir, me suicider, me tuer, plus envie de vivre, en finir
            avec la vie, veux en finir, me faire du mal, quiero morir, quiero morirme, no quiero vivir, suicidarme,
            matarme, quitarme la vida, hacerme daño, ya no puedo más, no puedo más, quero morrer, me matar, não quero
            viver, acabar com a minha vida, não aguento mais, voglio morire, uccidermi, suicidarmi, non voglio più
            vivere, non ce la faccio più, ik wil niet meer leven, ik wil dood, zelfmoord plegen, mezelf van kant,
            mezelf iets aandoen, chcę umrzeć, nie chcę żyć, zabić się, jag vill dö, vill inte leva, ta mitt liv
        """,
    },
}
"""Phrases by category and strength, in the form of `words.Phrases`, with commas between."""

HARMLESS: Final = """
    would be better if i was/were in, let us end it, living in, living here, living at, living near, living with my,
    work* in/at ~
    hospital/clinic/shelter, doctor at, hate to say/admit/sound,
    anxious to learn/see/hear/know/start/get, not well verse*, not well versed, not well known, am i alone in, not
    alone in, use it alone, in our clinic*/hospital*, hear voices in the, the voices in the, the voices of, ways to
    do it in, how i would do it in, not make it to the lecture/meeting/session/webinar, no hope for my
    grade/grades/score/mark/project/code, did not wake up in time, wake up in time, wake up on time, better off
    with, dying of boredom, dying of curiosity, dying of thirst, brain ~ dead, battery ~ dead, dead end, dead code,
    dead lock, deadlock*, dead tired, dead sea, dead poets, i hate being late, blood pressure, blood test, blood
    cell*, blood type, the living room, living document, cost of living, make a living, living thing*, life cycle*,
    life science*, still alive and kicking, keep alive, keep* ~ connection/session/thread/cell alive,
    social/digital/game life, real life, everyday life, life expectancy, death rate*, death penalty, death toll,
    black death, cause of death, causes of death, knife edge, gun control, gun laws, bridge table, bridge course,
    kill bill, sick of these/this/the/typing/waiting, tired of typing/waiting/reading/clicking, forever young, wait*
    forever, takes forever, took forever, loading forever, loops forever, runs forever, forever grateful, heavenly,
    escape key, escape character*, escape sequence*, escape room, end this course, can not wait, can not help but,
    can not find/open/see/load/log/play/download/submit/access/hear/view/watch/get/run/install/compile/enter, lost
    my password/notes/connection/data/points/work/file/files/place/internet/progress, broken
    link*/video/page/image*/file/button/subtitle*/download, cry baby, mental model*/arithmetic/math/maths/map,
    emotionally intelligent, chest x ray, no money in, empty
    string/list/file/set/cell/cells/page/line/field/box/row/rows/array/folder, dark
    mode/theme/matter/energy/ages/side, kicked me out of the quiz/exam/meeting/zoom/system/app/platform/room,
    quiz/exam/zoom/system/platform/app/site kicked me out, living cells/room/rooms/organism*/thing*/standards/wage,
    done with living cells, disappear the, done with life science*/cycle*/tables, following me on twitter/instagram,
    follows me on, nothing left to do/submit/add/say, no hope of finishing/getting/passing the, see no way forward
    with ~ problem/proof/exercise, any way forward with ~ problem/proof/exercise/code, hurt myself laughing, pay the
    rent on ~ server, rent is ~ variable, i am nothing but, no reason to keep the, reason to keep using, reason to
    stay with, nothing helps with the ~ error/bug, i have the pills example, says nothing, nobody would notice the,
    no one would notice the, nobody would even notice the typo, kill* ~
    process/processes/server/task/tasks/job/jobs/thread/threads/program/session/kernel/command/signal/bacteria/cells/virus/weeds/time/switch/bug/container/connection,
    killer feature/app, dying to know/see/hear/try/learn/find, to die for, die laughing, died laughing, dying of
    laughter, dying laughing, dead link/links/line/code/end/weight/heat, deadline*, battery died/dies/is dying,
    laptop died/is dying, computer died, phone died, my laptop ~ died, my computer ~ died, my phone ~ died, my
    internet ~ died, my hard drive ~ died, my wifi ~ died, connection died, drive died, server died, pc ~ died,
    router ~ died, process died, thread died, tablet died, bored to death, scared to death of ~
    maths/math/statistics, suicide squad, suicide mission, suicide note in ~ novel/play/film/story, character ~
    died, can not go on to, can not go on with, can not go on until, hopeless at, hopeless with, numb from, hope of
    finishing/getting/passing/solving, reason to live with the/an, can not go on with the next, can not go on
    without finishing, do not want to be here all day/night, do not want to be here until, lost my job offer letter,
    homeless population, homeless people, jump off point, homelessness rates, food bank data/dataset, food bank
    case, eviction data/dataset/rates, burden of proof/disease, tax burden, financial crisis, debt crisis, oil
    crisis, crisis management, crisis of, euro crisis, housing crisis, missile crisis, crisis in, identity crisis
    in, bereavement leave policy, overdose data/rates/deaths, cutting edge, cut myself some slack, hit me up, hit me
    with questions, beats me why/how/what, beats me, beat me to it, hit me that, it just hit me, hits me that,
    crying out for, cry for joy, tears of joy, crying with laughter, crying laughing, happy tears, drowning in
    homework/assignments/work/emails, hurt myself laughing, missing you, panic attack in ~ novel/story/film, surgery
    ~ dataset/data, killed it, killing it, killed that exam, nothing matters except, no point in
    using/adding/trying/submitting/taking/watching, pain point*, can not take the quiz/test/exam any more, can not
    take ~ quiz/exam/test, can not handle ~ file/files/exception*/input/request*/data, can not stand ~
    music/voice/noise, can not bear ~ music/voice, hanging thread, no way out of ~ loop, can not eat during, can not
    eat in the, no food in the library/lab, no food or drink, no future work, drop dead gorgeous
"""
"""Phrases whose words mean something else; what lies inside one does not count."""

ABOUT_OTHERS: Final = frozenset(
    listed(
        """
        character characters novel poem poet play film movie story protagonist author chapter essay hamlet ophelia
        romeo juliet werther plath woolf durkheim rate rates statistics statistical percent data dataset study
        studies research researchers theory patients patient participants population populations century historical
        history article textbook reading case lecture lectures topic prevention prevalence epidemic module course
        hypothesis variable regression model policy literature narrator scene argues claims says writes act heroine
        hero example tragedy myth goddess
        """
    )
)
"""Words that say that something is studied rather than lived through."""

COURSE_THINGS: Final = frozenset(
    listed(
        """
        problem question questions exercise quiz video videos page slide slides code error proof loop module chapter
        step section part file download assignment homework essay deadline deadlines exam test lab project midterm
        paper grading class lecture
        """
    )
)
NEAR_ONES: Final = frozenset(
    listed(
        """
        friend friends roommate flatmate housemate sister brother classmate partner boyfriend girlfriend husband
        wife son daughter cousin mother father mum mom dad teammate colleague student classmates someone somebody
        groupmate
        """
    )
)
LAUGHS: Final = frozenset({"lol", "haha", "hahaha", "lmao", "rofl", "jk", "kidding", "joking", "😂", "🤣", ":)", ";)"})
PAST: Final = frozenset({"ago", "used", "formerly", "recovered", "previously"})
SELF: Final = frozenset({"i", "me", "my", "myself", "mine", "we", "our", "us"})

IDEAS: Final[dict[str, str]] = {
    "people": "nobody anyone anybody everyone everybody no people they family world friends somebody someone all",
    "notice": "notice noticed miss missed care cared cares remember mourn cry bother sad",
    "better": "better happier easier relieved best relief",
    "absent": "gone dead died die disappeared disappear vanish vanished without away left alive exist existed buried",
    "self": "i me my myself",
    "would": "would will wouldnt if might could even",
    "want": "want wish wanted wishing ready hope need rather hoping",
    "death": "dead die dying death alive existing exist disappear vanish vanished nonexistent unborn",
    "tired": "tired exhausted sick done weary fed",
    "live": "life living live alive existing exist existence breathing",
    "no": "not no never nothing without cannot nobody none hardly",
    "reason": "reason point purpose use sense meaning worth",
    "sleep": "sleep asleep bed eyes",
    "wake": "wake waking woke morning open",
    "pain": "pain hurt hurting hurts suffering agony",
    "stop": "stop end over finish finished quit ending ends escape",
    "everything": "everything it all this life anything",
    "see": "see imagine picture find",
    "ahead": "future tomorrow ahead exit light out",
    "again": "more longer again anymore forever ever",
    "mine": "my our",
    "kin": "mother father mum mom dad sister brother son daughter child baby husband wife partner grandmother "
    "grandfather grandma grandpa friend uncle aunt cousin girlfriend boyfriend fiance roommate flatmate classmate",
    "they": "he she they him her husband boyfriend partner father stepfather mother ex wife girlfriend uncle brother "
    "man guy someone somebody landlord",
    "violent": "hit hits hitting beat beats beating punched punches kicked kicks slapped slaps grabbed choked chokes "
    "strangled shoved shoves pushed pushes hurt hurts threatened threatens attacked",
    "me": "me",
    "died": "died killed buried funeral deceased",
    "harm": "kill hurt harm cut hang killed killing hurting harming cutting",
    "themselves": "herself himself themselves themself",
    "money": "money pay afford cash loan savings",
    "needed": "food rent eat meal meals heating electricity groceries medicine medication",
    "cope": "cope handle bear carry manage endure",
}
"""Words that stand for one idea, by idea."""

TOGETHER: Final[tuple[tuple[str, float, str, int], ...]] = (
    ("self_harm", 0.82, "people would notice self absent", 14),
    ("self_harm", 0.82, "people better self absent", 14),
    ("self_harm", 0.8, "tired live self", 9),
    ("self_harm", 0.8, "no reason live", 8),
    ("self_harm", 0.8, "want sleep no wake", 14),
    ("self_harm", 0.75, "want self death", 9),
    ("hopelessness", 0.62, "want pain stop", 8),
    ("hopelessness", 0.62, "self no see ahead live", 12),
    ("abuse", 0.62, "they violent me", 6),
    ("loss", 0.55, "mine kin died", 8),
    ("other_at_risk", 0.6, "mine kin harm themselves", 14),
    ("finance", 0.6, "no money needed", 10),
    ("acute_stress", 0.6, "self no cope again", 9),
)
"""Category, strength, ideas that meet in one sentence, and within how many words."""
