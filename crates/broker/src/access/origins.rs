//! Which pages of elsewhere may speak to this server (`--allow-origin`).

use std::str::FromStr;

/// One origin, exactly as browsers send it, or all of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AllowOrigin {
    /// Any page, but only with a token of its own: cookies do not count there.
    Any,
    Exact(String),
}

/// Why a text is no origin.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an origin looks like https://app.example or http://localhost:5173, without a path; or * for all")]
pub struct OriginError;

impl FromStr for AllowOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<AllowOrigin, OriginError> {
        if text == "*" {
            return Ok(AllowOrigin::Any);
        }
        let (scheme, host) = text.split_once("://").ok_or(OriginError)?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let is_host =
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
        match is_scheme && is_host {
            true => Ok(AllowOrigin::Exact(text.to_ascii_lowercase())),
            false => Err(OriginError),
        }
    }
}

/// How far the page of a request may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum From {
    /// It says none: a program, or a page of ours that only reads.
    Nowhere,
    Ours,
    /// Named by the operator.
    Named,
    /// Only because all are let in.
    Anywhere,
    Elsewhere,
}

pub(crate) fn from(origin: Option<&str>, is_ours: impl Fn(&str) -> bool, allowed: &[AllowOrigin]) -> From {
    let Some(origin) = origin else { return From::Nowhere };
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let is_named = |one: &AllowOrigin| matches!(one, AllowOrigin::Exact(exact) if exact.eq_ignore_ascii_case(origin));
    if allowed.iter().any(is_named) {
        return From::Named;
    }
    if is_ours(host) {
        return From::Ours;
    }
    match allowed.contains(&AllowOrigin::Any) {
        true => From::Anywhere,
        false => From::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_named_exactly() {
        let allowed = ["https://App.example", "http://localhost:5173"].map(|text| text.parse().unwrap());
        let of = |origin| from(Some(origin), |host| host == "board:80", &allowed);
        assert_eq!(of("https://app.example"), From::Named);
        assert_eq!(of("http://board:80"), From::Ours);
        for strange in ["http://app.example", "https://app.example:444", "https://x.app.example", "null", ""] {
            assert_eq!(of(strange), From::Elsewhere, "{strange}");
        }
        assert_eq!(from(Some("null"), |_| false, &[AllowOrigin::Any]), From::Anywhere);
        assert_eq!(from(None, |_| false, &[]), From::Nowhere);
        for wrong in ["app.example", "https://", "https://app.example/", "https://a b", "://x", "**"] {
            assert_eq!(wrong.parse::<AllowOrigin>(), Err(OriginError), "{wrong}");
        }
    }
}
