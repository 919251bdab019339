//! What the proofs stand on: that "gets on" tells apart what it should, and that the files behave like the kernel's.
#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

use spawnlock_model::catalogue::kernel;
use spawnlock_model::files::{Content, Files, Name};
use spawnlock_model::graph::{Graph, TIME};
use spawnlock_model::protocol::Protocol;

#[test]
fn with_a_holder_beside_it_a_process_gets_on_only_with_its_help() {
    let graph = Graph::explore(&Protocol { setup: kernel::two().setup });
    let together = graph.reaches(|world| world.process(1).holds, |_| true);
    let alone = graph.reaches(|world| world.process(1).holds, |actor| actor == 1 || actor == TIME);
    let waits = graph.worlds().iter().zip(together.iter().zip(&alone)).filter(|(_, (together, alone))| **together && !**alone);
    let waits: Vec<_> = waits.map(|(world, _)| world).collect();
    assert!(!waits.is_empty());
    assert!(waits.iter().all(|world| !world.process(0).is_harmless()));
}

#[test]
fn a_rename_that_must_not_replace_does_not() {
    let mut files = Files::default();
    files.create(Name::Lock, Content::Dead, 0).unwrap();
    let new = files.create(Name::New, Content::Empty, 1).unwrap();
    assert!(!files.rename_new(Name::New, Name::Lock));
    assert!(files.unlink(Name::Lock) && files.rename_new(Name::New, Name::Lock));
    assert_eq!((files.at(Name::Lock), files.at(Name::New)), (Some(new), None));
}

#[test]
fn an_exchange_needs_both() {
    let mut files = Files::default();
    let new = files.create(Name::New, Content::Empty, 1).unwrap();
    assert!(!files.exchange(Name::New, Name::Lock));
    let lock = files.create(Name::Lock, Content::Dead, 0).unwrap();
    assert!(files.exchange(Name::New, Name::Lock));
    assert_eq!((files.at(Name::Lock), files.at(Name::New)), (Some(new), Some(lock)));
}

#[test]
fn a_file_that_is_open_outlives_its_name_and_its_number_is_not_used_again() {
    let mut files = Files::default();
    let mut open = files.create(Name::Lock, Content::Dead, 0).unwrap();
    files.unlink(Name::Lock);
    files.settle([&mut open].into_iter());
    let next = files.create(Name::Lock, Content::Empty, 1).unwrap();
    assert_ne!(open, next);
    assert_eq!(files.inode(open).content, Content::Dead);
    files.settle([].into_iter());
    assert_eq!(files.inode(files.at(Name::Lock).unwrap()).content, Content::Empty);
}

#[test]
fn two_names_of_one_file_stay_when_one_is_renamed_over_the_other() {
    let mut files = Files::default();
    let new = files.create(Name::New, Content::Empty, 0);
    assert!(files.link(Name::New, Name::Swap) && files.rename_over(Name::New, Name::Swap));
    assert_eq!((files.at(Name::New), files.at(Name::Swap)), (new, new));
}
