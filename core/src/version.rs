//! Which of two versions is the newer one, where that can be said.

use std::cmp::Ordering;

use version_compare::{Cmp, compare};

/// How `one` stands to `other`; `None` for versions without an order, such as the hashes of commits.
pub(crate) fn order(one: &str, other: &str) -> Option<Ordering> {
    if one == other {
        return Some(Ordering::Equal);
    }
    let (one, other) = (numbered(one)?, numbered(other)?);
    match compare(one, other).ok()? {
        Cmp::Lt => Some(Ordering::Less),
        Cmp::Gt => Some(Ordering::Greater),
        Cmp::Eq => Some(Ordering::Equal),
        _ => None,
    }
}

/// A version that begins with a whole number, without its `v`: `1.2.3`, `v2`, `3.0-beta`.
fn numbered(version: &str) -> Option<&str> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let first = version.split(['.', '-', '+']).next()?;
    (!first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit())).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert_eq!(order("1.9.0", "1.10.0"), Some(Ordering::Less));
        assert_eq!(order("v2", "1"), Some(Ordering::Greater));
        assert_eq!(order("1.0", "1.0"), Some(Ordering::Equal));
    }

    #[test]
    fn hashes_have_no_order() {
        assert_eq!(order("4f2a9c1", "a91bc03"), None);
        assert_eq!(order("1.0", "main"), None);
        assert_eq!(order("main", "main"), Some(Ordering::Equal));
    }
}
