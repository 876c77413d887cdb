//! What cargo-mutants would break (`cargo mutants --list --json`). It knows nothing about how it is done.

use serde_json::Value;

/// A line and a column, both from one, as cargo-mutants counts them.
pub(crate) type Place = (usize, usize);

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    /// Its number: what its switch is called.
    pub(crate) id: usize,
    pub(crate) file: String,
    /// What is done: one of cargo-mutants' genres.
    pub(crate) genre: String,
    pub(crate) start: Place,
    pub(crate) replacement: String,
    /// As cargo-mutants says it, place included.
    pub(crate) name: String,
    /// What the function around it answers, as it is written.
    pub(crate) answers: String,
}

fn place(value: &Value) -> Place {
    let number = |key: &str| value[key].as_u64().unwrap_or_default() as usize;
    (number("line"), number("column"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// All of them, numbered from one.
pub(crate) fn read(json: &str) -> Result<Vec<Mutant>, serde_json::Error> {
    let listed: Vec<Value> = serde_json::from_str(json)?;
    let mutants = listed.iter().enumerate().map(|(index, value)| Mutant {
        id: index + 1,
        file: text(&value["file"]),
        genre: text(&value["genre"]),
        start: place(&value["span"]["start"]),
        replacement: text(&value["replacement"]),
        name: text(&value["name"]),
        answers: text(&value["function"]["return_type"]),
    });
    Ok(mutants.collect())
}
