//! The scanner against `serde_json`, and its implementations against each other.

use super::{Scanner, Stop, string};

#[test]
fn a_container_ends_at_its_own_brace() {
    let plain = br#"{"a":[1,{"b":"}\"]"}],"c":null} tail"#;
    let escaped = br#"{\"a\":[1,{\"b\":\"}\\\"]\"}],\"c\":null}","tail":1"#;
    for scanner in Scanner::available() {
        assert_eq!(scanner.container::<false>(plain, 1), Ok(plain.len() - 5));
        assert_eq!(scanner.container::<true>(escaped, 1), Ok(escaped.len() - 11));
        assert_eq!(scanner.container::<true>(br#"{\"a\":1","tail":1}"#, 1), Err(Stop::Cut));
    }
}

#[test]
fn a_string_knows_its_end_and_whether_it_must_be_decoded() {
    let found = string::<false>(br#"a\"b" "#, 0).unwrap();
    assert_eq!((found.end, found.after, found.escaped), (4, 5, true));
    let found = string::<true>(br#"ab\" "#, 0).unwrap();
    assert_eq!((found.end, found.after, found.escaped), (2, 4, false));
    let found = string::<true>(br#"a\\\"b\" "#, 0).unwrap();
    assert_eq!((found.end, found.after, found.escaped), (6, 8, true));
    assert_eq!(string::<true>(br#"a\\" "#, 0), Err(Stop::Cut));
    assert_eq!(string::<true>(br"a\n", 0), Err(Stop::Odd));
}
