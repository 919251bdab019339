//! What Rust and the command offer, held to the contract that the other languages are held to as well.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use spawnlock::{
    EndReason, ErrorCode, EventKind, FlockSupport, KickState, LockKind, OnMismatch, Origin, Reuse, State, StopSignal, StopWhen,
    Unresponsive, Verdict,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn contract() -> Value {
    serde_json::from_slice(&fs::read(root().join("tests/surface/contract.json")).unwrap()).unwrap()
}

fn words(list: &str) -> Vec<String> {
    contract()[list].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

fn spelled(list: &str, language: &str) -> BTreeSet<String> {
    contract()[list].as_array().unwrap().iter().filter_map(|entry| Some(entry.get(language)?.as_str()?.to_owned())).collect()
}

/// The public functions of a source file.
fn functions(file: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    text.lines().filter_map(|line| line.trim().strip_prefix("pub fn ")?.split(['(', '<']).next()).map(str::to_owned).collect()
}

#[test]
fn every_list_of_words_is_the_contracts() {
    assert_eq!(ErrorCode::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>(), words("codes"));
    assert_eq!(Origin::ALL.iter().map(|origin| origin.as_str()).collect::<Vec<_>>(), words("origins"));
    assert_eq!(State::ALL.iter().map(|state| state.as_str()).collect::<Vec<_>>(), words("states"));
    assert_eq!(Verdict::ALL.iter().map(|verdict| verdict.as_str()).collect::<Vec<_>>(), words("verdicts"));
    assert_eq!(EndReason::ALL.iter().map(|reason| reason.as_str()).collect::<Vec<_>>(), words("endReasons"));
    assert_eq!(Reuse::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(), words("reuse"));
    assert_eq!(OnMismatch::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(), words("onMismatch"));
    assert_eq!(Unresponsive::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(), words("unresponsive"));
    assert_eq!(StopSignal::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(), words("stopSignals"));
    assert_eq!(EventKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(), words("events"));
    assert_eq!(LockKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(), words("lockKinds"));
    assert_eq!(StopWhen::ALL.iter().map(|when| when.as_str()).collect::<Vec<_>>(), words("stopWhens"));
    assert_eq!(KickState::ALL.iter().map(|state| state.as_str()).collect::<Vec<_>>(), words("kickStates"));
    assert_eq!(FlockSupport::ALL.iter().map(|support| support.as_str()).collect::<Vec<_>>(), words("flockSupport"));
}

#[test]
fn every_option_is_a_method_of_the_builder_and_no_other_is() {
    let besides = ["unnamed", "parse"].map(str::to_owned).into();
    let builder: BTreeSet<String> = functions("core/src/spec.rs").difference(&besides).cloned().collect();
    assert_eq!(builder, spelled("options", "rust"));
}

#[test]
fn every_option_of_a_wait_for_anything_is_a_method_and_in_the_help_and_no_other_is() {
    let besides = ["new", "wait_for"].map(str::to_owned).into();
    let methods: BTreeSet<String> = functions("core/src/wait.rs").difference(&besides).cloned().collect();
    assert_eq!(methods, spelled("waitOptions", "rust"));
    let help = fs::read_to_string(root().join("cli/src/help.rs")).unwrap();
    for flag in spelled("waitOptions", "command") {
        assert!(help.contains(&flag), "{flag} is not in the help");
    }
}

#[test]
fn every_form_of_a_check_can_be_read_and_is_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for form in words("checks") {
        let rest = match form.as_str() {
            "http:" => "//localhost/",
            "http+unix:" => "/run/a:/page",
            "tcp:" => "localhost:1",
            "notify" => "",
            _ => "/run/a",
        };
        let check = spawnlock::Check::parse(&format!("{form}{rest}"));
        assert!(check.is_ok(), "{form}: {check:?}");
        assert!(readme.contains(&format!("`{form}")), "{form} is not in the README");
    }
}

#[test]
fn every_fact_of_a_server_can_be_asked() {
    let asked = functions("core/src/server.rs");
    let missing: Vec<_> = spelled("server", "rust").into_iter().filter(|fact| !asked.contains(fact)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_lock_alone_offers_what_the_contract_says_and_nothing_else() {
    let files = ["mod", "acquire", "support"].map(|file| format!("core/src/lock/{file}.rs"));
    let offered: BTreeSet<String> = files.iter().flat_map(|file| functions(file)).filter(|name| name != "as_str").collect();
    assert_eq!(offered, spelled("lock", "rust"));
}

#[test]
fn every_option_of_the_lock_alone_is_a_method_of_its_builder_and_no_other_is() {
    let besides = ["as_str", "parse", "new"].map(str::to_owned).into();
    let builder: BTreeSet<String> = functions("core/src/lock/options.rs").difference(&besides).cloned().collect();
    assert_eq!(builder, spelled("lockOptions", "rust"));
}

#[test]
fn a_claim_and_a_notice_offer_what_the_contract_says_and_nothing_else() {
    let besides = ["claim_socket", "new", "notify", "notify_ready"];
    for (file, list) in [("claim", "claim"), ("notify_send", "notice")] {
        let offered = functions(&format!("core/src/{file}.rs"));
        let offered: BTreeSet<String> = offered.into_iter().filter(|name| !besides.contains(&name.as_str())).collect();
        assert_eq!(offered, spelled(list, "rust"));
    }
}

#[test]
fn every_option_and_call_is_in_the_help_of_the_command() {
    let sources = fs::read_dir(root().join("cli/src")).unwrap().flatten();
    let text: String = sources.map(|entry| fs::read_to_string(entry.path()).unwrap_or_default()).collect();
    for word in spelled("options", "command").into_iter().chain(spelled("calls", "command")) {
        assert!(text.contains(&word), "{word} is not there");
    }
}

#[test]
fn every_code_option_and_event_is_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let codes = words("codes").into_iter().map(|code| code.replace("ERR_SPAWNLOCK_", ""));
    let options = ["node", "python"].into_iter().flat_map(|language| spelled("options", language));
    for word in codes.chain(options).chain(words("events")) {
        assert!(readme.contains(&format!("`{word}`")), "{word} is not in the README");
    }
}
