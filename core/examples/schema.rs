//! Writes what is made from the table of keys: `spawnlock.schema.json`, and the table in `docs/configuration.md`.

use std::fs;

const BEGIN: &str = "<!-- keys: written by `make stubs` -->\n";
const END: &str = "<!-- end of keys -->";
const PAGE: &str = "docs/configuration.md";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    fs::write("spawnlock.schema.json", serde_json::to_string_pretty(&spawnlock::Project::schema())? + "\n")?;
    let page = fs::read_to_string(PAGE)?;
    let (before, rest) = page.split_once(BEGIN).ok_or("the page has no place for the table")?;
    let (_, after) = rest.split_once(END).ok_or("the table of the page has no end")?;
    fs::write(PAGE, format!("{before}{BEGIN}{}{END}{after}", spawnlock::Project::reference()))?;
    Ok(())
}
