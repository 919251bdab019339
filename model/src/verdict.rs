//! One setup checked: stateright for what must always hold, the graph for getting on.

use stateright::{Checker, HasDiscoveries, Model};

use crate::graph::Graph;
use crate::progress::{self, Stuck};
use crate::protocol::{Protocol, holds};
use crate::setup::Setup;
use crate::way::Way;

/// What was found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// How many different moments were looked at.
    pub states: usize,
    /// What does not hold, and the shortest way to see it.
    pub broken: Option<(&'static str, Way)>,
}

impl Verdict {
    /// Checks everything. Once two have the lock, nobody asks whether everyone gets it.
    pub fn of(setup: &Setup) -> Verdict {
        let safety = Verdict::of_safety(setup);
        if safety.broken.is_some() {
            return safety;
        }
        let graph = Graph::explore(&Protocol { setup: setup.clone() });
        // Two walks by two programs: one that forgot something would differ.
        assert_eq!(graph.len(), safety.states, "stateright and the graph saw the same");
        let stuck = progress::find_stuck(&graph, setup);
        Verdict { states: safety.states, broken: stuck.map(|Stuck { property, way, .. }| (property, way)) }
    }

    /// Checks only what must always hold, with less memory. Ends at the first counterexample.
    pub fn of_safety(setup: &Setup) -> Verdict {
        let checker = Protocol { setup: setup.clone() }.checker().finish_when(HasDiscoveries::Any).spawn_bfs().join();
        let states = checker.unique_state_count();
        let broken = checker.discoveries().into_keys().min();
        let way = broken.and_then(|_| Graph::shortest_way(checker.model(), |world| !holds(checker.model(), world)));
        Verdict { states, broken: broken.zip(way) }
    }

    /// The name of what is broken.
    pub fn broken_property(&self) -> Option<&'static str> {
        self.broken.as_ref().map(|(property, _)| *property)
    }
}
