//! Reads Rust source for the rules of [`super`]: tokens without comments and literals, and from them test
//! code, paths and functions. No parser; it knows as much of the language as those rules need.

/// An identifier, a `::`, or one other character of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// The characters.
    pub(super) text: String,
    /// The line, from 1.
    pub(super) line: usize,
}

/// A function with a body: its name, the line of its `fn` and how many lines it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) lines: usize,
}

/// Returns the source as tokens.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut word = String::new();
    let mut line = 1;
    let code = code_only(source);
    let mut chars = code.chars().chain(['\n']).peekable();
    while let Some(c) = chars.next() {
        if is_word(c) {
            word.push(c);
            continue;
        }
        let mut push = |text| out.push(Token { text, line });
        if !word.is_empty() {
            push(std::mem::take(&mut word));
        }
        if c == ':' && chars.next_if_eq(&':').is_some() {
            push("::".to_owned());
        } else if !c.is_whitespace() {
            push(c.to_string());
        }
        line += usize::from(c == '\n');
    }
    out
}

/// Blanks comments and literals; every line keeps its number.
fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = end_of_hidden(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|&c| blank(c)));
            at = end;
        }
    }
    out
}

fn blank(c: char) -> char {
    if c == '\n' { c } else { ' ' }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns where the comment or literal that begins here ends; the same place if none begins.
fn end_of_hidden(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let length = match rest {
        ['/', '/', ..] => rest.iter().position(|&c| c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment(rest),
        ['"', ..] => quoted(rest, '"'),
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => quoted(rest, '\''),
        ['r', '"' | '#', ..] if begins_literal(chars, at) => raw_string(rest),
        _ => 0,
    };
    at + length
}

/// Whether what stands before an `r` lets a raw string begin there: nothing of a word, or its prefix b or c.
fn begins_literal(chars: &[char], at: usize) -> bool {
    let before: Vec<char> = chars[..at]
        .iter()
        .rev()
        .take_while(|&&c| is_word(c))
        .copied()
        .collect();
    matches!(before[..], [] | ['b' | 'c'])
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => {
                depth += 1;
                at += 2;
            }
            ['*', '/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &[char], mark: char) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == mark => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `r#"…"#`; 0 if it is none, as the raw identifier `r#fn`.
fn raw_string(rest: &[char]) -> usize {
    let marks = rest[1..].iter().take_while(|&&c| c == '#').count();
    if rest.get(marks + 1) != Some(&'"') {
        return 0;
    }
    let mut close = vec!['"'];
    close.resize(marks + 1, '#');
    let start = marks + 2;
    rest[start..]
        .windows(close.len())
        .position(|window| window == close)
        .map_or(rest.len(), |found| start + found + close.len())
}

/// Whether the tokens begin with these, given with spaces between.
pub(super) fn begins_with(tokens: &[Token], pattern: &str) -> bool {
    let mut words = pattern.split_whitespace();
    let mut have = tokens.iter();
    words.all(|word| have.next().is_some_and(|token| token.text == word))
}

/// Returns the lines on which the tokens, given with spaces between, stand.
pub(super) fn lines_of(tokens: &[Token], pattern: &str) -> Vec<usize> {
    (0..tokens.len())
        .filter(|&at| begins_with(&tokens[at..], pattern))
        .map(|at| tokens[at].line)
        .collect()
}

/// Returns the tokens without the items under `#[cfg(test)]`, and how many lines those items have.
pub(super) fn without_tests(tokens: &[Token]) -> (Vec<Token>, usize) {
    let mut kept = Vec::new();
    let mut lines = 0;
    let mut at = 0;
    while at < tokens.len() {
        let end = end_of_test(tokens, at);
        if end == at {
            kept.push(tokens[at].clone());
            at += 1;
        } else {
            lines += tokens[end - 1].line - tokens[at].line + 1;
            at = end;
        }
    }
    (kept, lines)
}

/// Returns where the item under a `#[cfg(test)]` that begins here ends; the same place if none begins.
fn end_of_test(tokens: &[Token], at: usize) -> usize {
    if !begins_with(&tokens[at..], "# [ cfg (") {
        return at;
    }
    let item = end_of_group(tokens, at + 1);
    let condition = &tokens[at..item];
    let names = |word: &str| condition.iter().any(|token| token.text == word);
    if names("test") && !names("not") {
        end_of_item(tokens, item)
    } else {
        at
    }
}

/// Returns the place after the bracket that closes the one here.
fn end_of_group(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, token) in tokens[at..].iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + offset + 1;
        }
    }
    tokens.len()
}

/// Returns the place after the item here: after its `;` or its braces, whichever come first.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ";" => return at + 1,
            "{" => return end_of_group(tokens, at),
            "(" | "[" => at = end_of_group(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// Returns every function that has a body, also those inside another.
pub(super) fn functions(tokens: &[Token]) -> Vec<Function> {
    (0..tokens.len())
        .filter(|&at| begins_function(&tokens[at..]))
        .filter_map(|at| {
            let last = &tokens[end_of_item(tokens, at) - 1];
            (last.text == "}").then(|| Function {
                name: tokens[at + 1].text.clone(),
                line: tokens[at].line,
                lines: last.line - tokens[at].line + 1,
            })
        })
        .collect()
}

/// Whether a function begins here, not a type `fn(…)`.
fn begins_function(tokens: &[Token]) -> bool {
    begins_with(tokens, "fn")
        && tokens
            .get(1)
            .is_some_and(|token| token.text.chars().all(is_word))
}

/// Returns the first names after `root::`, and their lines, also those of a group `root::{a, b::c}`.
pub(super) fn heads(tokens: &[Token], root: &str) -> Vec<(String, usize)> {
    (0..tokens.len())
        .filter(|&at| begins_path(tokens, at) && begins_with(&tokens[at..], &format!("{root} ::")))
        .flat_map(|at| heads_at(tokens, at + 2))
        .collect()
}

/// Returns the first names after a chain of at least that many `super::`: what climbs out of a module that deep.
pub(super) fn heads_above(tokens: &[Token], depth: usize) -> Vec<(String, usize)> {
    let chain = |at: usize| {
        tokens[at..]
            .chunks(2)
            .take_while(|pair| begins_with(pair, "super ::"))
            .count()
    };
    (0..tokens.len())
        .filter(|&at| begins_path(tokens, at) && chain(at) >= depth.max(1))
        .flat_map(|at| heads_at(tokens, at + 2 * chain(at)))
        .collect()
}

/// Whether a path may begin here: it is not the continuation of another.
fn begins_path(tokens: &[Token], at: usize) -> bool {
    let before = |back: usize| {
        at.checked_sub(back)
            .map(|place| tokens[place].text.as_str())
    };
    before(1) != Some("::") || !before(2).is_some_and(|text| text.chars().all(is_word))
}

fn heads_at(tokens: &[Token], at: usize) -> Vec<(String, usize)> {
    let Some(first) = tokens.get(at) else {
        return Vec::new();
    };
    if first.text != "{" {
        return vec![(first.text.clone(), first.line)];
    }
    let group = &tokens[at + 1..end_of_group(tokens, at) - 1];
    let mut out = Vec::new();
    let mut place = 0;
    while place < group.len() {
        out.push((group[place].text.clone(), group[place].line));
        while place < group.len() && group[place].text != "," {
            place = match group[place].text.as_str() {
                "{" => end_of_group(group, place),
                _ => place + 1,
            };
        }
        place += 1;
    }
    out
}

#[test]
fn hides_comments_and_literals() {
    let source =
        "a /* b /* c */ \n d */ e // f\n \"g \\\" h\" 'i' '\\'' b'j' &'k r#\"l \" m\"# br\"n\" r#o";
    let texts: Vec<(String, usize)> = tokens(source)
        .into_iter()
        .map(|token| (token.text, token.line))
        .collect();
    let line = |number: usize, words: &str| -> Vec<(String, usize)> {
        words.split(' ').map(|w| (w.to_owned(), number)).collect()
    };
    let expected = [line(1, "a"), line(2, "e"), line(3, "b & ' k b r # o")];
    assert_eq!(texts, expected.concat());
}

#[test]
fn leaves_out_tests() {
    let source =
        "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { [0; 2] }\n}\n#[cfg(test)]\nuse x::[y;\nz];
#[cfg(not(test))]\nfn c() {}";
    let (kept, lines) = without_tests(&tokens(source));
    let names: Vec<String> = functions(&kept).into_iter().map(|f| f.name).collect();
    assert_eq!((names.join(" "), lines), ("a c".to_owned(), 7));
}

#[test]
fn measures_functions() {
    let source = "trait T { fn a(&self) -> [u8; 4]; }\nfn b<F: fn(u8)>(f: F)\n-> [u8; 4]\n{\n if x { fn c() {} }\n}";
    let found: Vec<(String, usize, usize)> = functions(&tokens(source))
        .into_iter()
        .map(|f| (f.name, f.line, f.lines))
        .collect();
    assert_eq!(found, [("b".to_owned(), 2, 5), ("c".to_owned(), 5, 1)]);
}

#[test]
fn finds_paths() {
    let words = |found: Vec<(String, usize)>| {
        let names: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
        names.join(" ")
    };
    let source = tokens(
        "use crate::{a::{b, c}, d, e::f as g,};\npub(in crate::h) fn i() { ::crate::j(); k::crate::l(); $crate::* }",
    );
    assert_eq!(words(heads(&source, "crate")), "a d e h j *");
    let source = tokens("use super::a; use super::super::{b, c::d}; super::super::super::e()");
    assert_eq!(words(heads_above(&source, 1)), "a b c e");
    assert_eq!(words(heads_above(&source, 2)), "b c e");
    assert_eq!(words(heads_above(&source, 3)), "e");
}
