//! Each row of the table is a test: what must hold holds, and what must break is seen to break, in the very way it is said to.
#![allow(clippy::expect_used, reason = "tests fail loudly")]

use spawnlock_model::catalogue::{self, Case, bad, existence, kernel, mixed, tools};
use spawnlock_model::verdict::Verdict;

#[track_caller]
fn prove(case: &Case) {
    let verdict = Verdict::of(&case.setup);
    let story = verdict.broken.as_ref().map_or_else(String::new, |(_, way)| way.tell(&case.setup));
    assert_eq!(verdict.broken_property(), case.breaks, "{}, {} states\n{story}", case.title, verdict.states);
}

/// A test for each case: its name is the sentence that is proven.
macro_rules! proofs {
    ($($(#[$attribute:meta])* $sentence:ident: $case:expr;)*) => {$(
        #[test]
        $(#[$attribute])*
        fn $sentence() {
            prove(&$case);
        }
    )*};
}

// The check can fail.
proofs! {
    unlinking_what_was_stale_and_creating_anew_makes_two_holders: bad::unlink_and_create();
    writing_a_token_and_reading_it_back_makes_two_holders: bad::write_and_read_back();
    a_release_without_a_look_at_the_token_makes_two_holders: bad::blind_release();
    unlink_and_create_under_the_mutex_makes_two_holders_beside_a_slow_tool: bad::unlink_under_the_mutex();
    rename_over_under_the_mutex_makes_two_holders_beside_a_slow_tool: bad::rename_under_the_mutex();
}

// Ours, with the kernel's mutex.
proofs! {
    two_processes_killed_anywhere_never_both_hold_and_always_get_on: kernel::two();
    three_processes_killed_anywhere_never_two_hold_and_always_get_on: kernel::three();
    on_one_host_a_cut_off_takeover_needs_no_finishing: kernel::three_unrecovered();
    on_one_host_a_rename_is_as_good_as_an_exchange: kernel::three_by_rename();
    sleeping_holders_on_another_host_lose_the_lock_to_one_only: kernel::three_on_two_hosts();
    sleeping_holders_and_killed_breakers_never_make_two_holders: kernel::three_on_two_hosts_killed();
    #[ignore = "a million states: half a minute"]
    sleeping_holders_and_killed_breakers_never_make_two_holders_in_two_turns: kernel::three_on_two_hosts_killed_twice();
    a_breaker_killed_between_its_exchanges_makes_two_holders_unless_somebody_finishes_for_it: kernel::two_hosts_unrecovered();
    without_an_exchange_a_holder_that_wakes_at_the_wrong_moment_is_robbed: kernel::two_hosts_by_rename();
}

// Beside a tool that only creates and unlinks.
proofs! {
    a_tool_that_leaves_its_file_empty_is_honoured: tools::quick_empty();
    a_tool_that_writes_its_pid_is_honoured: tools::quick_pid();
    a_slow_tool_that_lets_go_and_takes_again_during_a_takeover_is_honoured: tools::slow_empty();
    a_tool_that_sleeps_before_it_writes_is_honoured: tools::slow_pid();
    two_slow_tools_are_honoured: tools::two_slow();
    putting_back_without_a_look_at_what_comes_out_makes_two_holders: tools::unchecked_put_back();
    a_cut_off_takeover_beside_a_slow_tool_must_be_finished: tools::slow_unrecovered();
    an_empty_file_taken_twice_within_a_cut_off_takeover_is_beyond_help: tools::slow_three_turns();
    two_tools_in_turn_within_a_cut_off_takeover_are_beyond_help: tools::two_slow_killed();
    a_tool_that_was_overtaken_and_wakes_is_beyond_help: tools::overtaken_wakes();
}

// Without flock.
proofs! {
    without_flock_two_processes_killed_anywhere_never_both_hold_and_always_get_on: existence::two();
    without_flock_three_processes_killed_anywhere_never_two_hold_and_always_get_on: existence::three();
    without_flock_sleeping_holders_on_another_host_lose_the_lock_to_one_only: existence::two_hosts();
    a_reclaim_lock_keeps_two_reapers_apart: existence::reclaim();
    a_reclaim_lock_of_a_dead_reaper_blocks_everyone_for_ever: existence::reclaim_left();
    unlinking_an_old_reclaim_lock_makes_two_holders: existence::reclaim_unlinked();
    replacing_an_old_reclaim_lock_and_pausing_keeps_reapers_apart: existence::reclaim_awaited();
    reaping_by_token_needs_no_reclaim_lock: existence::four();
    whoever_is_frozen_in_the_mutex_beyond_its_threshold_can_make_two_holders: existence::frozen();
    a_reclaim_lock_does_not_help_against_a_frozen_holder_of_the_mutex: existence::frozen_under_reclaim();
    with_names_of_its_own_a_frozen_process_leaves_a_lock_that_nobody_has: existence::frozen_with_own_names();
    with_names_of_its_own_a_frozen_process_and_a_kill_make_two_holders: existence::frozen_with_own_names_killed();
    without_an_exchange_names_of_its_own_are_no_help: existence::frozen_with_own_names_by_rename();
    taking_a_lock_for_stale_because_of_ones_own_pid_makes_two_holders: existence::frozen_with_stray_tokens();
}

// Both kinds of mutex at one path.
proofs! {
    who_cannot_flock_and_leaves_a_marked_mutex_alone_does_no_harm: mixed::mark_respected();
    a_marked_mutex_reaped_by_its_age_makes_two_holders: mixed::mark_reaped();
    touching_the_marked_mutex_does_not_help: mixed::mark_touched();
}

#[test]
fn every_row_stands_in_the_readme() {
    let readme = include_str!("../README.md");
    for case in catalogue::all() {
        let verdict = case.breaks.map_or("holds".to_owned(), |property| format!("breaks “{property}”"));
        let stands = readme.lines().any(|line| line.starts_with(&format!("| {} |", case.title)) && line.contains(&verdict));
        assert!(stands, "{}: {verdict}", case.title);
    }
}
