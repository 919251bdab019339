//! Someone always gets on. "Eventually" is asked of the whole graph, backwards from where a process has the lock.

use crate::graph::{Graph, TIME};
use crate::process::{At, Process};
use crate::setup::{Setup, Who};
use crate::way::Way;
use crate::world::World;

/// What a process was found to be denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// What must hold and does not.
    pub property: &'static str,
    /// Who is stuck.
    pub process: u8,
    /// The shortest way there.
    pub way: Way,
}

/// From everywhere, each living process can still get the lock, or be done, without anybody being killed for it.
pub const EVERYONE: &str = "everyone can still get the lock";
/// The same without the help of anybody: a process that runs alone, while nobody else has the lock or stands in a mutex, gets it.
pub const ALONE: &str = "alone it gets the lock";

/// The first process of ours that is stuck somewhere. Other tools break nothing, so a dead one's lock stops them; that is theirs to mend.
pub fn find_stuck(graph: &Graph, setup: &Setup) -> Option<Stuck> {
    let ours = (0u8..).zip(&setup.who).filter(|(_, who)| matches!(who, Who::Ours(_))).map(|(process, _)| process);
    ours.into_iter().find_map(|process| find_stuck_among(graph, process).or_else(|| find_stuck_alone(graph, process)))
}

fn find_stuck_among(graph: &Graph, process: u8) -> Option<Stuck> {
    let everyone = graph.reaches(|world| has_got_on(world, process), |_| true);
    let stuck = first(graph, &everyone, |world| world.process(process).goes_on());
    stuck.map(|at| Stuck { property: EVERYONE, process, way: graph.way_to(at) })
}

fn find_stuck_alone(graph: &Graph, process: u8) -> Option<Stuck> {
    let alone = graph.reaches(|world| has_got_on(world, process), |actor| actor == process || actor == TIME);
    let stuck = first(graph, &alone, |world| world.process(process).goes_on() && others_are_harmless(world, process));
    stuck.map(|at| Stuck { property: ALONE, process, way: graph.way_to(at) })
}

fn first(graph: &Graph, fine: &[bool], concerned: impl Fn(&World) -> bool) -> Option<usize> {
    fine.iter().zip(graph.worlds()).position(|(fine, world)| !fine && concerned(world))
}

fn has_got_on(world: &World, process: u8) -> bool {
    let process = world.process(process);
    process.holds || process.at == At::Done
}

fn others_are_harmless(world: &World, process: u8) -> bool {
    (0u8..).zip(&world.processes).all(|(number, other)| number == process || other.is_harmless() || has_lost(world, other))
}

/// It was overtaken, and no name leads to its lock file any more, so that nobody can put it back.
fn has_lost(world: &World, other: &Process) -> bool {
    let named = |own| world.files.links(own) > 0;
    other.at == At::Holding && other.overtaken && !other.own.is_some_and(named)
}
