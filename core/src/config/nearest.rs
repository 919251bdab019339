//! The word that was meant, where one is misspelt.

/// How like a word must be to be taken for a slip.
const ALIKE: f64 = 0.8;

/// The known word that is most like this one.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alike = known.map(|known| (likeness(&plain(word), &plain(known)), known)).filter(|(alike, _)| *alike > ALIKE);
    alike.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, known)| known)
}

/// One slip of the finger is one, however short the word.
fn likeness(one: &str, other: &str) -> f64 {
    let alike = strsim::jaro_winkler(one, other);
    if one.len() > 2 && strsim::osa_distance(one, other) == 1 { alike.max(0.9) } else { alike }
}

/// Without what two spellings of one word differ in.
fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// `stopTimeout` as `stop-timeout`.
pub(super) fn kebab(camel: &str) -> String {
    camel.chars().fold(String::new(), |mut word, c| {
        if c.is_ascii_uppercase() {
            word.push('-');
        }
        word.push(c.to_ascii_lowercase());
        word
    })
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let known = || ["command", "stop-timeout", "probe-timeout", "web"].into_iter();
        assert_eq!(nearest("comand", known()), Some("command"));
        assert_eq!(nearest("stop_timeot", known()), Some("stop-timeout"));
        assert_eq!(nearest("wbe", known()), Some("web"));
        assert_eq!(nearest("database", known()), None);
    }
}
