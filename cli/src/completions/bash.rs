//! bash: one function, which looks at the word before and at the command before that.

use std::fmt::Write as _;

use super::{NAMES, Offer, Words, values};

pub(super) fn script(commands: &[Offer]) -> String {
    let names: Vec<&str> = commands.iter().map(|offer| offer.name).collect();
    let mut cases = String::new();
    for offer in commands {
        let _ = writeln!(cases, "    {})", offer.name);
        let _ = writeln!(cases, "      flags='{}'", flags(offer));
        let _ = writeln!(cases, "      case $previous in");
        for flag in offer.flags.iter().filter(|flag| flag.value.is_some()) {
            let short = flag.short.map(|short| format!("|-{short}")).unwrap_or_default();
            let _ = writeln!(cases, "        {}{short}) {}; return ;;", flag.long, reply(&values(flag)));
        }
        let _ = writeln!(cases, "      esac");
        let _ = writeln!(cases, "      [[ $current != -* ]] && {{ {}; return; }}", reply(&offer.words));
        let _ = writeln!(cases, "      ;;");
    }
    format!(
        "# Completions of server-init for bash.
_server_init() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command= flags= word
  COMPREPLY=()
  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD - 1}}\"; do
    case $word in
    --) compopt -o default; return ;;
    {names_or}) [[ $command ]] || command=$word ;;
    esac
  done
  case $command in
    '') COMPREPLY=($(compgen -W '{names} --help --version' -- \"$current\")); return ;;
{cases}  esac
  COMPREPLY=($(compgen -W \"$flags\" -- \"$current\"))
}}
complete -F _server_init server-init
",
        names_or = names.join("|"),
        names = names.join(" "),
    )
}

fn flags(offer: &Offer) -> String {
    offer.flags.iter().map(|flag| flag.long.as_str()).collect::<Vec<_>>().join(" ")
}

fn reply(words: &Words) -> String {
    match words {
        Words::Any => "compopt -o default".to_owned(),
        Words::Names => format!("local IFS=$'\\n'; COMPREPLY=($(compgen -W \"$({NAMES})\" -- \"$current\"))"),
        Words::Files => "COMPREPLY=($(compgen -f -- \"$current\")); compopt -o filenames".to_owned(),
        Words::Dirs => "COMPREPLY=($(compgen -d -- \"$current\")); compopt -o filenames".to_owned(),
        Words::Of(words) => format!("COMPREPLY=($(compgen -W '{}' -- \"$current\"))", words.join(" ")),
    }
}
