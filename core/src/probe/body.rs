//! What an HTTP answer means.

use serde_json::{Map, Value};

use super::{Answer, Verdict};

/// Words of health in a body's `status`, and words of a server that is not there yet.
const HEALTHY: &[&str] = &["ok", "pass", "up", "warn", "healthy", "ready", "running", "serving"];
const COMING: &[&str] = &["initializing", "starting", "loading", "pending", "booting"];

/// The codes that count as ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusSet(Vec<(u16, u16)>);

impl StatusSet {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let ranges = match value {
            Value::Array(list) if !list.is_empty() => list.iter().map(range).collect::<Option<_>>()?,
            one => vec![range(one)?],
        };
        Some(StatusSet(ranges))
    }

    fn contains(&self, code: u16) -> bool {
        self.0.iter().any(|(least, most)| (*least..=*most).contains(&code))
    }
}

fn range(value: &Value) -> Option<(u16, u16)> {
    let valid = |code: &u16| (100..=599).contains(code);
    if let Some(code) = value.as_u64() {
        let code = u16::try_from(code).ok().filter(valid)?;
        return Some((code, code));
    }
    let text = value.as_str()?;
    let (least, most) = text.split_once('-').unwrap_or((text, text));
    let ends = (least.trim().parse().ok().filter(valid)?, most.trim().parse().ok().filter(valid)?);
    (ends.0 <= ends.1).then_some(ends)
}

/// What a body must say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// A JSON object with a text `status` must say that it is well; anything else may be what it is.
    Auto,
    /// The body does not count.
    Off,
    Fields(Expectation),
}

impl Json {
    pub(super) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(false) => Some(Json::Off),
            Value::String(text) if text == "auto" => Some(Json::Auto),
            other => Expectation::read(other).map(Json::Fields),
        }
    }
}

/// Fields, dotted where nested, and the values they must have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expectation(Map<String, Value>);

impl Expectation {
    pub(crate) fn read(value: &Value) -> Option<Self> {
        value.as_object().filter(|fields| !fields.is_empty()).cloned().map(Expectation)
    }

    /// The first field that is not as it should be, as a text.
    fn violated(&self, body: Option<&Value>) -> Option<String> {
        self.0.iter().find_map(|(path, wanted)| {
            let found = body.and_then(|body| at(body, path));
            match found {
                Some(found) if found == wanted => None,
                Some(found) => Some(format!("{path} is {found} and not {wanted}")),
                None => Some(format!("{path} is missing")),
            }
        })
    }
}

/// The value of a field, dotted where nested.
fn at<'a>(body: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(body, |at, key| at.get(key))
}

/// The same, as a text; a number is written out.
pub(super) fn text_at(body: &Value, path: &str) -> Option<String> {
    match at(body, path)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// One HTTP answer, read as far as it counts.
pub(super) struct Reply {
    pub(super) code: u16,
    /// The JSON value of the body, when it is one.
    pub(super) json: Option<Value>,
}

/// The verdict on an answer.
pub(super) fn judge(reply: &Reply, status: Option<&StatusSet>, json: &Json, identity: Option<&Expectation>) -> Answer {
    let code = reply.code;
    let body = reply.json.as_ref();
    let wanted = status.map_or((200..=299).contains(&code), |status| status.contains(code));
    if let Some(violated) = identity.and_then(|identity| identity.violated(body)).filter(|_| wanted) {
        let text = format!("HTTP {code}, but it is not this server: {violated}");
        return Answer { stranger: true, ..Answer::new(Verdict::Unhealthy, text) };
    }
    let word = body.and_then(|body| body.get("status")).and_then(Value::as_str);
    let coming = word.is_some_and(|word| is_one_of(word, COMING));
    match json {
        _ if code == 503 && !wanted => Answer::new(Verdict::Starting, said(code, word)),
        Json::Auto if coming => Answer::new(Verdict::Starting, said(code, word)),
        _ if !wanted => Answer::new(Verdict::Unhealthy, said(code, word)),
        Json::Auto if word.is_some_and(|word| !is_one_of(word, HEALTHY)) => Answer::new(Verdict::Unhealthy, said(code, word)),
        Json::Fields(fields) => match fields.violated(body) {
            // What is not yet as asked for may still become so.
            Some(violated) if coming => Answer::new(Verdict::Starting, format!("HTTP {code}, {violated}")),
            Some(violated) => Answer::new(Verdict::Unhealthy, format!("HTTP {code}, {violated}")),
            None => Answer::new(Verdict::Ready, said(code, word)),
        },
        Json::Auto | Json::Off => Answer::new(Verdict::Ready, said(code, word)),
    }
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn said(code: u16, word: Option<&str>) -> String {
    match word {
        Some(word) => format!("HTTP {code}, status {:?}", word.chars().take(80).collect::<String>()),
        None => format!("HTTP {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdict(code: u16, body: Option<Value>) -> Verdict {
        judge(&Reply { code, json: body }, None, &Json::Auto, None).verdict
    }

    #[test]
    fn words_of_health_decide_only_in_a_json_status() {
        assert_eq!(verdict(200, Some(json!({"status": "OK"}))), Verdict::Ready);
        assert_eq!(verdict(200, Some(json!({"status": "starting"}))), Verdict::Starting);
        assert_eq!(verdict(200, Some(json!({"status": "down"}))), Verdict::Unhealthy);
        assert_eq!(verdict(200, Some(json!({"status": 1}))), Verdict::Ready);
        assert_eq!(verdict(204, None), Verdict::Ready);
        assert_eq!(verdict(503, None), Verdict::Starting);
        assert_eq!(verdict(302, None), Verdict::Unhealthy);
    }

    #[test]
    fn a_body_without_our_identity_is_a_strangers() {
        let ours = Expectation::read(&json!({"app.name": "api"}));
        let of = |body| judge(&Reply { code: 200, json: body }, None, &Json::Auto, ours.as_ref());
        assert!(of(Some(json!({"app": {"name": "other"}}))).stranger);
        assert!(of(None).stranger);
        assert_eq!(of(Some(json!({"app": {"name": "api"}}))).verdict, Verdict::Ready);
    }

    #[test]
    fn a_set_of_codes_is_a_number_a_range_or_a_list() {
        let set = |value| StatusSet::read(&value);
        assert!(set(json!(["200-204", 401])).is_some_and(|set| set.contains(401) && set.contains(203) && !set.contains(205)));
        for bad in [json!("abc"), json!(99), json!([]), json!("300-200"), json!(null)] {
            assert_eq!(set(bad), None);
        }
    }
}
