"""Sentences kept for measuring distress signals: signs, and hard sentences that are none.

Written for headway's tests, after the phrases and examples of `headway.models.text`; no phrase was added for them and
no model learns from them. None is copied from anywhere, none is about a real person.
"""

from typing import Final

HELD_SIGNS: Final = tuple(
    """
Honestly I don't want to exist right now.
I stand on my balcony and wonder how long the fall would take.
There are days when I think my kids would do better with another mother.
I just feel so hopeless about everything since the breakup.
I quit my medication and the bad thoughts are back.
He grabbed my neck when I said that I want to study.
My landlord changed the locks and my books are inside, I stay with strangers.
I am scared to open my laptop because of the messages he sends.
My little sister passed away and I have missed three weeks.
I can't stop shaking, I don't know what is happening to me.
I spend whole days staring at the wall.
I eat once a day to make the money last.
Some nights I pray that I won't be there in the morning.
It feels like drowning in slow motion.
My friend on this course wrote that he is going to end it tonight.
I've been drinking since the divorce and I can't stop.
I am not safe here.
Is there any number I can call, I am in a really dark place.
I feel completely worthless after these results, like my life has no value.
You won't hear from me again, thank you for having been kind.
I have scars on my arms and I'm ashamed to come to the lab.
After the miscarriage I can't concentrate on anything.
I was raped in first year and he is in this class.
I'm burnt out, I sleep two hours a night and cry in the morning.
I don't see how things will ever get better.
no one would care if i stopped breathing
I lost all will to live.
""".strip().splitlines()
)

HELD_HARMLESS: Final = tuple(
    """
You won't hear from me again until the next module, see you!
The fall of the empire took how long?
I wonder how long the quiz would take.
There are days when I think the old textbook did better.
I stare at the code and see nothing.
My landlord example in the essay got full marks.
I changed the lock on the thread and it works.
He sends messages to the wrong channel.
My sister passed the exam!
He passed away the time with puzzles.
My hands shake when I present, any tips?
It feels like the videos are in slow motion.
I'll end it here, thanks for reading.
Let's end it tonight with a last practice round.
I was drinking coffee when the server crashed.
Is it safe to run this script here?
Is there any number I can call to reach support?
Dark places in the image lose detail.
The value of my life insurance example is wrong.
The scarf on my arm is part of the costume.
I can't concentrate with the music on.
I sleep well before exams.
I cry at every wedding, so the film made me laugh.
Things will get better once the new server is up.
Nobody stopped the timer.
I lost the will to format my references, haha.
What is Nietzsche's will to power?
The drowning rate is in table four.
Paracetamol overdose is treated how?
How is an eating disorder defined in the handbook?
I volunteer in a hospital on weekends.
I work as a nurse in intensive care and love this course.
The novel ends with her death at the station.
I would kill for an extension, please!
I nearly died of embarrassment when my microphone was on.
That quiz was brutal, it destroyed me.
My brain hurts.
I feel stupid asking this, but where is the rubric?
I hate myself for not starting earlier, any chance of an extension?
I feel sick today, may I submit tomorrow?
I missed class because of a funeral of a distant neighbour, where are the notes?
I'm stressed about the final, how should I prepare?
I'm worried that my grade is too low to pass.
We can end the meeting if nobody has questions.
Please remove me from the team.
I don't exist in the grade book, can you add me?
My name disappeared from the list.
I wish I had never taken this course.
The professor is killing it this week.
I have nothing to add.
""".strip().splitlines()
)
