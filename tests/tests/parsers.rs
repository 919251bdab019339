//! What reads the files and the words of others never breaks, whatever it is given. `make fuzz` does the same for longer.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use spawnlock::fuzz;

/// A document made of what the parsers look for, in any order and with anything in it.
fn almost_json() -> impl Strategy<Value = String> {
    let key =
        prop::sample::select(vec!["pid", "timestamp", "token", "host", "startTime", "bootId", "format", "name", "state", "generation"]);
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        ".{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just("null".to_owned()),
        Just("[{}]".to_owned()),
    ];
    prop::collection::vec((key, value), 0..12)
        .prop_map(|pairs| pairs.iter().map(|(key, value)| format!("{key:?}:{value}")).collect::<Vec<_>>().join(","))
        .prop_map(|fields| format!("{{{fields}}}"))
}

/// Lines of numbers and words, as scripts write them.
fn lines() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof![any::<i64>().prop_map(|number| number.to_string()), "[a-z0-9 ]{0,9}"], 0..5)
        .prop_map(|lines| lines.join("\n"))
}

/// A project's file made of what is looked for in one, in TOML or in JSON.
fn almost_a_project() -> impl Strategy<Value = String> {
    let key =
        prop::sample::select(vec!["command", "ready", "timeout", "stop-timeout", "stopTimeout", "env", "umask", "lock", "cwd", "nonsense"]);
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:?}")),
        ".{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        prop::sample::select(vec!["[]", "{}", "[[1]]", "true", "null", "2026-01-31", "0o22", "inf", "\"5s\"", "\"unix:a\""])
            .prop_map(str::to_owned),
    ];
    let head = prop::sample::select(vec!["[servers.web]", "[tool.spawnlock.servers.web]", "[servers]", "[[servers]]", "servers = 1"]);
    (prop::collection::vec((key, value), 0..6), head, any::<bool>()).prop_map(|(pairs, head, json)| {
        let joined = |between: &str, after: &str| {
            pairs.iter().map(|(key, value)| format!("{key:?}{between}{value}")).collect::<Vec<_>>().join(after)
        };
        if json {
            format!("{{\"spawnlock\":{{\"servers\":{{\"web\":{{{}}}}}}}}}", joined(":", ","))
        } else {
            format!("{head}\n{}\n", joined(" = ", "\n"))
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_in_a_lock_name_a_possible_process_or_nobody(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(fuzz::lock_file(&bytes).is_none_or(|holder| holder.pid > 0 && i32::try_from(holder.pid).is_ok()));
    }

    #[test]
    fn what_looks_like_a_lock_is_read_without_harm(text in prop_oneof![almost_json(), lines()]) {
        prop_assert!(fuzz::lock_file(text.as_bytes()).is_none_or(|holder| i32::try_from(holder.pid).is_ok()));
    }

    #[test]
    fn a_lock_that_says_its_pid_is_understood(pid in 1..=i32::MAX, time in 0..=4_000_000_000_000_u64) {
        for text in [format!("{pid}"), format!("{pid}\n{time}\ntoken\n"), format!(r#"{{"pid":{pid},"timestamp":{time}}}"#)] {
            prop_assert_eq!(fuzz::lock_file(text.as_bytes()).map(|holder| holder.pid), Some(pid as u32), "{}", text);
        }
    }

    #[test]
    fn any_bytes_in_a_record_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), text in almost_json()) {
        fuzz::record(&bytes);
        fuzz::record(text.as_bytes());
    }

    #[test]
    fn any_words_for_a_check_are_read_without_harm(text in ".{0,60}", address in "(http|tcp|unix|http\\+unix|notify):[/a-z0-9:.\\[\\]@?#%-]{0,40}") {
        fuzz::check(&text);
        fuzz::check(&address);
    }

    #[test]
    fn any_words_for_a_time_are_a_time_or_an_error(text in ".{0,20}", number in any::<f64>()) {
        let _ = (spawnlock::duration("timeout", &text), spawnlock::seconds("timeout", number), spawnlock::millis("timeout", number));
    }

    #[test]
    fn any_words_in_a_projects_file_are_read_without_harm(text in ".{0,80}", almost in almost_a_project()) {
        for file in ["spawnlock.toml", "package.json", "pyproject.toml", "other.json"] {
            fuzz::config(file, &text);
            fuzz::config(file, &format!("# spawnlock\n{almost}"));
            fuzz::config(file, &almost);
        }
    }

    #[test]
    fn the_folder_of_any_name_is_one_name_in_a_directory(name in ".{0,200}") {
        let folder = fuzz::folder(&name);
        prop_assert!(!folder.is_empty() && folder.len() < 200 && !folder.starts_with('.') && !folder.contains(['/', '\0']), "{}", folder);
    }
}

#[test]
fn the_corpus_is_read_without_harm() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut targets = HashSet::new();
    for entry in fs::read_dir(corpus).unwrap().flatten() {
        for file in fs::read_dir(entry.path()).unwrap().flatten() {
            let content = fs::read(file.path()).unwrap();
            fuzz::lock_file(&content);
            fuzz::record(&content);
            let text = String::from_utf8_lossy(&content);
            fuzz::check(&text);
            for name in ["spawnlock.toml", "package.json", "pyproject.toml"] {
                fuzz::config(name, &text);
            }
            targets.insert(entry.file_name());
        }
    }
    assert_eq!(targets.len(), 4, "each target has a corpus: {targets:?}");
}
