//! Every moment that can be reached, and every step between two, kept: for questions that one moment alone does not answer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use stateright::Model;

use crate::protocol::Protocol;
use crate::way::Way;
use crate::world::{Action, MOST, World};

/// Who makes a step: a process, or time.
pub type Actor = u8;
/// A file grows old.
pub const TIME: Actor = MOST as Actor;

/// A step that is no crash: nobody may need one to get on.
struct Edge {
    from: u32,
    to: u32,
    actor: Actor,
}

/// The moments and the steps.
pub struct Graph {
    worlds: Vec<World>,
    /// How each was first reached.
    parents: Vec<Option<(u32, Action)>>,
    /// Sorted by where they lead.
    edges: Vec<Edge>,
    /// Where the edges that lead to each moment begin.
    into: Vec<u32>,
}

impl Graph {
    /// Walks everything.
    pub fn explore(protocol: &Protocol) -> Graph {
        Graph::walk(protocol, |_| false).0
    }

    /// The shortest way to something that must not be. (stateright reports the last such moment of a block of its work, not the first.)
    pub fn shortest_way(protocol: &Protocol, to: impl Fn(&World) -> bool) -> Option<Way> {
        let (graph, found) = Graph::walk(protocol, to);
        found.map(|moment| graph.way_to(moment))
    }

    fn walk(protocol: &Protocol, end: impl Fn(&World) -> bool) -> (Graph, Option<usize>) {
        let mut graph = Graph { worlds: Vec::new(), parents: Vec::new(), edges: Vec::new(), into: Vec::new() };
        let mut numbers = HashMap::new();
        for world in protocol.init_states() {
            graph.number(&mut numbers, world, None);
        }
        let mut actions = Vec::new();
        let mut at = 0;
        while at < graph.worlds.len() {
            if end(&graph.worlds[at]) {
                return (graph, Some(at));
            }
            protocol.actions(&graph.worlds[at], &mut actions);
            for action in actions.drain(..) {
                if let Some(next) = protocol.next_state(&graph.worlds[at], action) {
                    graph.add(&mut numbers, at as u32, action, next);
                }
            }
            at += 1;
        }
        graph.sort();
        (graph, None)
    }

    /// How many moments there are.
    pub fn len(&self) -> usize {
        self.worlds.len()
    }

    /// There is always a beginning.
    pub fn is_empty(&self) -> bool {
        self.worlds.is_empty()
    }

    /// One after the other.
    pub fn worlds(&self) -> &[World] {
        &self.worlds
    }

    /// For each moment, whether one of the goals can be reached from it by the steps of those actors.
    pub fn reaches(&self, goal: impl Fn(&World) -> bool, actor: impl Fn(Actor) -> bool) -> Vec<bool> {
        let mut reached: Vec<bool> = self.worlds.iter().map(goal).collect();
        let mut open: Vec<u32> = (0..).zip(&reached).filter(|(_, reached)| **reached).map(|(at, _)| at).collect();
        while let Some(at) = open.pop() {
            let (first, end) = (self.into[at as usize], self.into[at as usize + 1]);
            for edge in self.edges[first as usize..end as usize].iter().filter(|edge| actor(edge.actor)) {
                if !std::mem::replace(&mut reached[edge.from as usize], true) {
                    open.push(edge.from);
                }
            }
        }
        reached
    }

    /// The shortest way to a moment.
    pub fn way_to(&self, moment: usize) -> Way {
        let mut actions = Vec::new();
        let mut at = moment;
        while let Some((from, action)) = self.parents[at] {
            actions.push(action);
            at = from as usize;
        }
        actions.reverse();
        Way { start: self.worlds[at].clone(), actions }
    }

    fn add(&mut self, numbers: &mut HashMap<World, u32>, from: u32, action: Action, next: World) {
        let to = self.number(numbers, next, Some((from, action)));
        match action {
            Action::Step(actor) | Action::Refresh(actor) => self.edges.push(Edge { from, to, actor }),
            Action::Age(_) => self.edges.push(Edge { from, to, actor: TIME }),
            Action::Crash(_) => {}
        }
    }

    fn number(&mut self, numbers: &mut HashMap<World, u32>, world: World, parent: Option<(u32, Action)>) -> u32 {
        let next = self.worlds.len() as u32;
        match numbers.entry(world) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.worlds.push(new.key().clone());
                self.parents.push(parent);
                *new.insert(next)
            }
        }
    }

    fn sort(&mut self) {
        self.edges.sort_unstable_by_key(|edge| edge.to);
        self.into = vec![0; self.worlds.len() + 1];
        for edge in &self.edges {
            self.into[edge.to as usize + 1] += 1;
        }
        for at in 1..self.into.len() {
            self.into[at] += self.into[at - 1];
        }
    }
}
