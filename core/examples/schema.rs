//! Prints the JSON Schema of declared servers, or with `reference` the table of keys: what `make stubs` writes.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("reference") => print!("{}", spawnlock::Project::reference()),
        _ => println!("{}", serde_json::to_string_pretty(&spawnlock::Project::schema())?),
    }
    Ok(())
}
