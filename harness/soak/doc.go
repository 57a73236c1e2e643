// Package soak plays random cases in virtual time and judges them: fleets,
// faults of every recipe, jobs with every policy over lists, groups and
// changing memberships, schedules, and operators who stop, resume, cancel,
// rerun, copy, call, move and delete. All of it is drawn from a seed.
//
// The judge knows the Rules and nothing of how the engine keeps them. It sees
// every Step of every machine (what it was told, what it wanted, what it
// observed), looks after each of them at the rows that changed, and reckons
// everything anew in the simplest way. Every case is played twice and must be
// the same, byte for byte.
//
// A case that breaks a rule is made smaller until what is left is needed, and
// is named by its seed and its Limits.
package soak
