//! The word that was meant, where one is misspelt.

/// How like a word must be to be taken for a slip.
const ALIKE: f64 = 0.8;

/// The known word that is most like this one.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alike = known.map(|known| (strsim::jaro_winkler(&plain(word), &plain(known)), known)).filter(|(alike, _)| *alike > ALIKE);
    alike.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, known)| known)
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
