"""Weak signs: words that alone say little and together, in the first person, say that a human should look.

Each has a category and a weight, the chance by which one would want to read the text for it alone; `distress` puts
them together as independent chances. All weights are chosen by reason; none is fitted.
"""

from typing import Final

WEAK: Final[dict[str, dict[float, str]]] = {
    "self_harm": {
        0.55: """
            should have died, wish i had died, rather have died, wish it had been me, noose, planning to leave this,
            leave this life, leave it all behind, want to be dead, think* about suicide, thoughts about suicide, sorry
            for everything, self destructi*
        """,
        0.42: """
            suicid*, alive, dying, overdose, pills, tablets would, how many tablets, razor, rope, cliff, rooftop,
            waking up any more, wake up any more, be here any more, sense in waking, point in waking, reason to wake,
            goodbyes, tell my parents/family/mum/mom/children/kids i, exist any more, not exist, stop existing
        """,
        0.28: """
            die, died, dead, death, deaths, kill, knife, blade, gun, blood, grave, coffin, ghost, heaven, living,
            existence, exist, existing, vanish, vanished, disappear, wake up, waking up, forgive me, want out, end
            this, end everything, escape, tablets, train tracks, bridge
        """,
    },
    "hopelessness": {
        0.46: """
            nobody ~ turn to, no one ~ turn to, anyone ~ turn to, who i am any more, never mattered, do not matter,
            not matter to anyone, lonely, loneliness, worthless, hopeless, despair*, hopelessness, trapped, no
            strength left, no strength, utterly, nobody understands, no one understands, torture, agony, unbearable,
            no meaning, meaningless, can not tell anyone/anybody/my, no one knows, nobody knows, nobody sees me, no
            one sees me, so far down, very low, so low, feel* low, feel* down, feel* empty, feel* dead, feel* broken,
            feel* lost, feel* useless, feel* trapped, feel* like nothing
        """,
        0.3: """
            disgust, unloved, unwanted, reckless, withdrawn, sadness, helpless, helplessness, alone, burden, failure,
            numb, empty, dark, darkness, miserable, misery, useless, ashamed, shame, guilt*,
            broken, shattered, hate, hates, isolated, isolation, pointless, depress*, hopes, suffer*, invisible,
            ruined, give up, giving up, gave up on, nothing left, lost everything, lost interest in, lost all
            interest, do not recognise, sinking
        """,
        0.12: """nobody, no one, any more, never, forever, no longer, lately, every day, every night, nothing""",
    },
    "acute_stress": {
        0.48: """
            hyperventilat*, panic, panicking, panicked, sob, sobbing, can not get up, can not think straight, can not
            think clearly, can not sleep, can not eat, not sleeping, not eating, stopped sleeping, bathroom floor,
            curled up, trembling, breakdown, helpline, hotline, crisis line, not well, unwell, cry for no reason,
            crying for no reason, burst into tears, in tears, meltdown, losing it, going crazy, going insane, going
            mad, nightmares, flashbacks, traumati*, trauma, worn out, worn down, run down, at the end of my
        """,
        0.33: """
            cry, cried, crying, tears, shaking, anxi*, terrified, therapist, therapy, counsellor, counselor,
            counselling, counseling, psychologist, psychiatr*, scream*, collapse*, faint*, exhausted, can not breathe,
            hard to breathe, chest, overwhelmed, desperate*, mental, emotionally, insomnia, sleepless
        """,
        0.15: """scared, afraid, frightened, fear, tired, stress*, can not, can not do any, worry, worried, pressure""",
    },
    "abuse": {
        0.5: """
            unsafe, not safe, violent, violence, abus*, rape*, assault*, molest*, grop*, stalk*, harass*, bully*,
            bullies, bullied, chok*, strangl*, touches me, touched me, throws things, throwing things, screams at me,
            screams and, shouts at me, yells at me, threatening me, threatening messages, threaten*, threats, slurs,
            humiliat*, trafficked, forced to marry, controls me, locked me, does not let me leave, sends me ~
            pictures, intimidat*
        """,
        0.3: """
            hits, beat, beats, beating, slap*, punch*, bruise*, racist, sexist, insults, hate speech, police,
            restraining order, shelter, drunk, drinks, follows me, jealous, hurt me, hurts me, scared of, afraid of,
            creep, creepy, unwanted
        """,
    },
    "loss": {
        0.42: """
            grief, griev*, mourn*, funeral, bereave*, died yesterday, died today, died this, died last, died on, died
            in, died suddenly, raised me, left me and, wife left, husband left, took the children, custody, divorce,
            widow*, stillb*, miscarr*, dying of, hospice, no longer with us
        """,
        0.2: """passed, died, death, lost, buried, break up, broke up, separation""",
    },
    "health": {
        0.42: """
            psychiatric, ward, stopped eating, starving myself, make myself sick, throwing up, anorex*, bulimi*,
            addict*, relaps*, chemo*, cancer, tumour, tumor, stroke, seizure*, hospital*, intensive care, rehab,
            detox, miscarriage, bleeding, bipolar, ptsd, manic, psychos*, hallucinat*, hear voices, voices in my head
        """,
        0.26: """
            medication, antidepressant*, diagnos*, clinic, surgery, illness, chronic, sick leave, alcohol, drinking,
            drugs, drunk, doctor, ill, emergency
        """,
    },
    "finance": {
        0.44: """
            homeless, evict*, hungry, starving, starve, hunger, no money, no food, no home, no heating, without
            electricity, without heating, without water, without food, without a home, loan was stopped, benefits ~
            stopped, debt, debts, bankrupt*, unemployed, lost my job, lost our home, deport*, food bank, homelessness,
            cut us off
        """,
        0.24: """rent, landlord, afford, loan, bills, visa, laid off, broke, electricity, heating, money, job, fired""",
    },
    "people": {
        0.13: """
            my mother, my father, my mum, my mom, my dad, my parents, my family, my husband, my wife, my partner, my
            boyfriend, my girlfriend, my ex, my brother, my sister, my son, my daughter, my child, my children, my
            baby, my uncle, my stepfather, my stepmother, my grandmother, my grandfather, my best friend, my friend,
            my roommate, my flatmate, at home, this house, my own home
        """,
    },
}
"""Words by category and weight, in the form of `words.Phrases`, with commas between."""
