//! What the documentation says of the examples, counted.

/// The whole driver of the example `basic_resource`.
const DRIVER: &str = include_str!("../examples/basic_resource/driver.rs");

#[test]
fn a_complete_driver_has_fewer_than_fifty_lines() {
    let lines = DRIVER.lines().count();
    assert!(lines < 50, "{lines} lines");
    for line in DRIVER.lines() {
        assert!(line.len() <= 100, "not by making them long: {line}");
    }
    let callbacks = [
        "fn validate(",
        "fn create(",
        "fn is_valid(",
        "fn recycle(",
        "fn cleanup(",
        "fn is_broken(",
    ];
    for callback in callbacks {
        assert!(DRIVER.contains(callback), "complete, with {callback}…)");
    }
}
