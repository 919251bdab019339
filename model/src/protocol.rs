//! The protocol as stateright sees it: beginnings, actions, and what must always hold.

use stateright::{Model, Property};

use crate::files::{Content, Name};
use crate::process::At;
use crate::setup::Setup;
use crate::step::Step;
use crate::world::{Action, World};

/// At most one process believes that it has the lock, of those that were not overtaken by right.
pub const ONE_HOLDER: &str = "at most one holder";
/// When everybody is done and nobody was killed, only the mutex file that is never unlinked is left.
pub const CLEAN_END: &str = "a quiet end leaves nothing";

/// One setup, ready to be walked.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// Who takes part, and by which rules.
    pub setup: Setup,
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        [false, true].map(|stale| World::start(&self.setup, stale)).to_vec()
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (number, process) in (0u8..).zip(&world.processes).filter(|(_, process)| process.goes_on()) {
            actions.push(Action::Step(number));
            if world.crashes > 0 {
                actions.push(Action::Crash(number));
            }
            if process.at == At::Holding && process.own.is_some_and(|own| world.files.inode(own).old) && self.setup.refreshes(number) {
                actions.push(Action::Refresh(number));
            }
        }
        let names = [Name::Lock, Name::Mutex, Name::Reclaim, Name::Swap];
        actions.extend(names.into_iter().filter(|name| world.can_age(&self.setup, *name)).map(Action::Age));
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Step(me) => Step { setup: &self.setup, world: &mut world, me }.make(),
            Action::Crash(number) => world.crash(number),
            Action::Refresh(number) => {
                if let Some(own) = last.process(number).own {
                    world.touch(own);
                }
            }
            Action::Age(name) => {
                if let Some(ino) = last.files.at(name) {
                    world.files.change(ino, |inode| inode.old = true);
                }
            }
        }
        world.settle();
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_HOLDER, |_, world: &World| world.holders() <= 1),
            Property::always(CLEAN_END, |protocol: &Protocol, world: &World| {
                let quiet = world.is_over() && world.crashes == protocol.setup.crashes;
                !quiet || leaves_nothing(world)
            }),
        ]
    }
}

/// Whether a moment is as it must always be.
pub fn holds(protocol: &Protocol, world: &World) -> bool {
    protocol.properties().iter().all(|property| (property.condition)(protocol, world))
}

fn leaves_nothing(world: &World) -> bool {
    let mutex = world.files.at(Name::Mutex);
    let names = [Name::Lock, Name::New, Name::Swap, Name::Reclaim];
    names.into_iter().all(|name| world.files.at(name).is_none())
        && mutex.is_none_or(|mutex| world.files.inode(mutex).content == Content::Mark)
}
