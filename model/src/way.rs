//! A way through the moments, told line by line.

use std::fmt;

use stateright::Model;

use crate::files::{Content, Name};
use crate::protocol::Protocol;
use crate::setup::Setup;
use crate::world::{Action, World};

/// From a beginning, by these steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Where it begins.
    pub start: World,
    /// What happens.
    pub actions: Vec<Action>,
}

impl Way {
    /// The story of it: what happens, and what the names are then.
    pub fn tell(&self, setup: &Setup) -> String {
        let protocol = Protocol { setup: setup.clone() };
        let mut world = self.start.clone();
        let mut lines = vec![format!("{:34}{}", "in the beginning", Names(&world))];
        for action in &self.actions {
            let what = describe(&world, *action);
            world = protocol.next_state(&world, *action).unwrap_or(world);
            lines.push(format!("{what:34}{}", Names(&world)));
        }
        lines.join("\n")
    }
}

fn describe(world: &World, action: Action) -> String {
    match action {
        Action::Step(number) => format!("{number}: {:?}", world.process(number).at),
        Action::Refresh(number) => format!("{number}: touches its lock file"),
        Action::Crash(number) => format!("{number}: killed before {:?}", world.process(number).at),
        Action::Age(name) => format!("time passes: {name:?} is old"),
    }
}

/// Which names there are, and what is in the files.
struct Names<'a>(&'a World);

impl fmt::Display for Names<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let World { files, processes, .. } = self.0;
        let own = (0..processes.len() as u8).map(Name::NewOf);
        for name in [Name::Lock, Name::Mutex, Name::Reclaim, Name::New, Name::Swap].into_iter().chain(own) {
            if let Some(ino) = files.at(name) {
                let content = match files.inode(ino).content {
                    Content::By(process, turn) => format!("{process}'s, turn {turn}"),
                    other => format!("{other:?}").to_lowercase(),
                };
                write!(to, "{name:?}: file {ino} ({content})  ")?;
            }
        }
        let holders: Vec<usize> = (0..).zip(processes).filter(|(_, process)| process.holds).map(|(number, _)| number).collect();
        write!(to, "holding: {holders:?}")
    }
}
