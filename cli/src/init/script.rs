//! What a script of a package.json says about the port of its server.

/// The tools that serve, the word that a script has for each, and the port it takes when it is told none.
const TOOLS: &[(&str, u16)] = &[
    ("vite preview", 4173),
    ("vite", 5173),
    ("next", 3000),
    ("nuxt", 3000),
    ("astro", 4321),
    ("react-scripts", 3000),
    ("ng serve", 4200),
    ("webpack", 8080),
    ("vue-cli-service", 8080),
    ("gatsby", 8000),
    ("parcel", 1234),
    ("http-server", 8080),
];
/// What most servers take.
const USUAL: u16 = 3000;

/// The port of a script: the one it names, else that of its tool.
pub fn port(script: &str) -> u16 {
    named_port(script).or_else(|| TOOLS.iter().find(|(word, _)| script.contains(word)).map(|(_, port)| *port)).unwrap_or(USUAL)
}

/// `--port 3000`, `--port=3000`, `-p 3000`, `PORT=3000`.
fn named_port(script: &str) -> Option<u16> {
    let words: Vec<&str> = script.split_whitespace().collect();
    words.iter().enumerate().find_map(|(at, word)| match *word {
        "--port" | "-p" | "-l" => words.get(at + 1)?.parse().ok(),
        word => word.strip_prefix("--port=").or_else(|| word.strip_prefix("PORT="))?.parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_script_names_its_port_or_its_tool_does() {
        for (script, port) in [
            ("vite", 5173),
            ("vite preview", 4173),
            ("vite --port 4000 --strictPort", 4000),
            ("next dev -p 3001", 3001),
            ("PORT=8081 node server.js", 8081),
            ("node server.js --port=9000", 9000),
            ("node server.js", 3000),
        ] {
            assert_eq!(super::port(script), port, "{script}");
        }
    }
}
