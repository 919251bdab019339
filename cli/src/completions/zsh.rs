//! zsh: `_arguments` knows options and values, and is told them a command at a time.

use std::fmt::Write as _;

use super::{NAMES, Offer, Words, brief, values};
use crate::page::Flag;

pub(super) fn script(commands: &[Offer]) -> String {
    let mut menu = String::new();
    let mut cases = String::new();
    for offer in commands {
        let _ = writeln!(menu, "    '{}:{}'", offer.name, quoted(&brief(&offer.about)));
        let _ = writeln!(cases, "    {})\n      _arguments -s \\", offer.name);
        for flag in &offer.flags {
            let _ = writeln!(cases, "        {} \\", spec(flag));
        }
        let _ = writeln!(cases, "        '*:: :{}' ;;", action(&offer.words));
    }
    format!(
        "#compdef server-init
# Completions of server-init for zsh.
_server_init_names() {{
  local -a names
  names=(${{(f)\"$({NAMES})\"}})
  compadd -a names
}}
_server_init() {{
  local -a commands
  commands=(
{menu}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  if (( ${{words[(I)--]}} && ${{words[(I)--]}} < CURRENT )); then
    _normal
    return
  fi
  local command=${{words[2]}}
  shift words
  (( CURRENT-- ))
  case $command in
{cases}  esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _server_init \"$@\"; else compdef _server_init server-init; fi
"
    )
}

fn spec(flag: &Flag) -> String {
    let text = quoted(&brief(&flag.text)).replace('[', "\\[").replace(']', "\\]");
    let value = flag.value.as_ref().map(|value| format!(":{}:{}", quoted(value), action(&values(flag)))).unwrap_or_default();
    match flag.short {
        Some(short) => format!("{{-{short},{}}}'[{text}]{value}'", flag.long),
        None => format!("'{}[{text}]{value}'", flag.long),
    }
}

fn action(words: &Words) -> String {
    match words {
        Words::Any => " ".to_owned(),
        Words::Names => "_server_init_names".to_owned(),
        Words::Files => "_files".to_owned(),
        Words::Dirs => "_files -/".to_owned(),
        Words::Of(words) => format!("({})", words.join(" ")),
    }
}

fn quoted(text: &str) -> String {
    text.replace('\'', "'\\''").replace(':', "\\:")
}
