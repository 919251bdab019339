//! PowerShell: one block, which is asked with the line as it was taken apart.

use std::fmt::Write as _;

use super::{Offer, Words, values};

pub(super) fn script(commands: &[Offer]) -> String {
    let mut table = String::new();
    for offer in commands {
        let flags = list(offer.flags.iter().map(|flag| flag.long.as_str()));
        let _ = writeln!(table, "    '{}' = @{{ flags = {flags}; words = {}; values = @{{", offer.name, words(&offer.words));
        for flag in offer.flags.iter().filter(|flag| flag.value.is_some()) {
            let _ = writeln!(table, "      '{}' = {}", flag.long, words(&values(flag)));
        }
        let _ = writeln!(table, "    }} }}");
    }
    format!(
        "# Completions of server-init for PowerShell.
Register-ArgumentCompleter -Native -CommandName server-init -ScriptBlock {{
  param($current, $line, $position)
  $commands = [ordered]@{{
{table}  }}
  $before = @($line.CommandElements | Select-Object -Skip 1 | Where-Object {{ $_.Extent.EndOffset -lt $position }} | ForEach-Object {{ $_.ToString() }})
  if ($before -contains '--') {{ return }}
  $command = $before | Where-Object {{ $commands.Contains($_) }} | Select-Object -First 1
  if (-not $command) {{ $offered = @($commands.Keys) + '--help', '--version' }}
  elseif ($commands[$command].values.ContainsKey($before[-1])) {{ $offered = & $commands[$command].values[$before[-1]] }}
  elseif ($current -like '-*') {{ $offered = & $commands[$command].flags }}
  else {{ $offered = & $commands[$command].words }}
  $offered | Where-Object {{ $_ -like \"$current*\" }} | ForEach-Object {{ [System.Management.Automation.CompletionResult]::new($_) }}
}}
"
    )
}

/// A block, so that names are asked for only when they are needed.
fn words(words: &Words) -> String {
    match words {
        Words::Any | Words::Files | Words::Dirs => "{ }".to_owned(),
        Words::Names => "{ server-init list --names 2>$null }".to_owned(),
        Words::Of(words) => list(words.iter().copied()),
    }
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    format!("{{ {} }}", words.map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", "))
}
