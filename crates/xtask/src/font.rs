//! The page's Korean letters, for browsers whose fonts have none: a subset of Noto Sans KR with the syllables that the
//! page itself can say. A browser loads it when it meets such a letter and no other font of the list has it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::setup::{self, root, say, target};

/// Where Debian's fonts-noto-cjk has it, and its number among the fonts of that file.
const FONT: (&str, &str) = ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "1");
const CSS: &str = "www/korean.css";
const WOFF2: &str = "www/korean.woff2";

/// Whether it is a Korean letter: a syllable, or a part of one.
fn is_korean(letter: char) -> bool {
    matches!(letter, '\u{ac00}'..='\u{d7a3}' | '\u{3131}'..='\u{318e}')
}

/// The Korean letters of the sources that say something in the page.
fn letters() -> Result<BTreeSet<char>> {
    let mut letters = BTreeSet::new();
    let mut folders = vec![root().join("crates"), root().join("www")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let says =
                |suffix: &std::ffi::OsStr| ["rs", "html", "js", "toml"].iter().any(|one| suffix == *one);
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(says) {
                letters.extend(fs::read_to_string(&path)?.chars().filter(|letter| is_korean(*letter)));
            }
        }
    }
    Ok(letters)
}

/// Letters as CSS writes them: `U+AC00,U+AC01-AC03`.
fn ranges(letters: &BTreeSet<char>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for letter in letters.iter().map(|letter| u32::from(*letter)) {
        match ranges.last_mut() {
            Some(last) if last.1 + 1 == letter => last.1 = letter,
            _ => ranges.push((letter, letter)),
        }
    }
    let mut text = String::new();
    for (from, to) in ranges {
        let comma = if text.is_empty() { "" } else { "," };
        // To a string nothing fails to be written.
        let _ = write!(text, "{comma}U+{from:X}");
        if to > from {
            let _ = write!(text, "-{to:X}");
        }
    }
    text
}

/// The letters of [`ranges`].
fn read(ranges: &str) -> Result<BTreeSet<char>> {
    let mut letters = BTreeSet::new();
    for range in ranges.split(',').map(str::trim) {
        let both = range.strip_prefix("U+").with_context(|| format!("{CSS}: {range} is no range"))?;
        let (from, to) = both.split_once('-').unwrap_or((both, both));
        let number = |text| u32::from_str_radix(text, 16).with_context(|| format!("{CSS}: {range}"));
        letters.extend((number(from)?..=number(to)?).filter_map(char::from_u32));
    }
    Ok(letters)
}

/// What is wrong with the font as it is: letters that the page says and it has not.
pub fn missing() -> Result<Option<String>> {
    let css = fs::read_to_string(root().join(CSS)).with_context(|| format!("cannot read {CSS}"))?;
    let range = css.split_once("unicode-range:").and_then(|(_, rest)| rest.split_once(';'));
    let have = read(range.with_context(|| format!("{CSS} has no unicode-range"))?.0)?;
    let missing: String = letters()?.difference(&have).collect();
    let says = || format!("{WOFF2} has no {missing}: make it anew with `cargo xtask font`");
    Ok((!missing.is_empty()).then(says))
}

/// Makes the subset and the style that names it.
pub fn run(args: &[String]) -> Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (font, number) = match args[..] {
        [] => FONT,
        [font] => (font, "0"),
        [font, number] => (font, number),
        _ => bail!("font takes a file and the number of the font in it, not {args:?}"),
    };
    if !Path::new(font).is_file() {
        bail!(
            "there is no {font}: install Noto Sans CJK (on Debian: apt-get install fonts-noto-cjk), or name it"
        );
    }
    let folder = target().join("font");
    fs::create_dir_all(&folder)?;
    let list = folder.join("requirements.txt");
    fs::write(&list, "fonttools==4.68.0\nbrotli==1.2.1\n")?;
    let python = setup::python(&list, &folder.join("venv"))?;
    let letters = letters()?;
    let ranges = ranges(&letters);
    let mut command = Command::new(python);
    command
        .args(["-m", "fontTools.subset", font, "--flavor=woff2", "--layout-features="])
        .arg(format!("--font-number={number}"))
        .arg(format!("--unicodes={ranges}"))
        .arg(format!("--output-file={}", root().join(WOFF2).display()));
    setup::run(&mut command, "fontTools.subset")?;
    let css = format!(
        "/* Korean letters for browsers that have none: a subset of Noto Sans KR (korean-OFL.txt), made by `cargo xtask font`. */\n\
         @font-face {{ font-family: \"Blumfeld Korean\"; src: url(\"./korean.woff2\") format(\"woff2\"); font-display: swap;\n  \
         unicode-range: {ranges}; }}\n"
    );
    fs::write(root().join(CSS), css)?;
    let bytes = fs::metadata(root().join(WOFF2))?.len();
    say(&format!("font: {} letters, {} KiB", letters.len(), bytes.div_ceil(1024)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_were_written() {
        let letters: BTreeSet<char> = "가각갂힣".chars().collect();
        assert_eq!(ranges(&letters), "U+AC00-AC02,U+D7A3");
        assert_eq!(read(&ranges(&letters)).unwrap(), letters);
        assert!(read("AC00").is_err());
    }
}
