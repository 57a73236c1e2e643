package soak

// Rule is one of the things that must hold in every case.
type Rule struct{ Name, Text string }

// Rules is the table of rules; what the judge finds names one of them.
var Rules = []Rule{
	{"state", "a device is in one state per job, as the hub says and as it was observed; what has ended stays ended"},
	{"counts", "succeeded + failed + running + pending + cancelled are the targets; none of the first two ever goes back"},
	{"in-flight", "no more devices are worked on than the job's limit and its batch allow"},
	{"batches", "a device of a batch begins only when every device of the batches before it has ended"},
	{"pause", "a batch begins only after the pause behind the last one"},
	{"gate", "no batch begins behind one that missed the gate, unless somebody resumed the job"},
	{"starts", "nothing starts while a job does not run: after stop, cancel and its end"},
	{"slots", "at most five queued jobs run, and they get their turn in order"},
	{"threshold", "a job is cancelled at exactly the failure that exceeds its threshold, and by nothing else than that or an operator"},
	{"exclusive", "of the jobs that change a device, its firmware or its settings, one at a time works on it"},
	{"attempts", "a device begins once, and again only as often as the job retries"},
	{"execution", "a device executes no more often than it was begun, and what is completed was executed meanwhile"},
	{"firmware", "a firmware version comes only through its states"},
	{"answers", "every call gets at most one answer, its own: none is lost in the hub, taken twice, late or for another call"},
	{"targets", "a job is over the devices it names, or the members its group has when it is selected; a continuous one takes in who joins"},
	{"schedules", "a schedule fires at its instants and at no other, and numbers its instances"},
	{"rollout", "the turn of no more devices comes in a minute than the rate allows; one that another job of its device holds up begins behind that"},
	{"timeouts", "no job and no device's part of one lasts longer than its timeout"},
	{"idle", "a job that runs and has devices left, which wait for no other job, does not stand still longer than its pause, its retries and its rate allow"},
	{"settles", "every job ends, and every ticket settles once"},
	{"commands", "what an operator may ask is carried out, and what is refused has a reason"},
	{"unhindered", "a job that nothing disturbs, over devices that are well, succeeds on each of them"},
	{"time", "time does not go back, and nothing lasts less than nothing"},
	{"digest", "one seed has one digest"},
	{"panic", "no machine panics"},
}
