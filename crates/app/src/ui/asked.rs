//! A number that can be asked where it came from: it is a button that runs `why` in the console.

use yew::prelude::*;

use crate::ctx::Ctx;
use crate::text::fill;

/// Something that is asked, with what it is about: `fact("committed", &["billing", "orders"], &[0])`.
pub fn fact(name: &str, about: &[&str], numbers: &[i32]) -> String {
    let plain = |word: &&str| {
        !word.is_empty()
            && word.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter))
    };
    let numbers = numbers.iter().map(ToString::to_string);
    if about.iter().all(plain) {
        let words = about.iter().map(|word| (*word).to_owned()).chain(numbers);
        return std::iter::once(name.to_owned()).chain(words).collect::<Vec<_>>().join(" ");
    }
    let quoted = about.iter().map(|word| {
        let quote = if word.contains('"') { '\'' } else { '"' };
        format!("{quote}{word}{quote}")
    });
    format!("{name}({})", quoted.chain(numbers).collect::<Vec<_>>().join(", "))
}

/// The number, to be pressed.
pub fn asked(ctx: &Ctx, fact: &str, shown: impl Into<Html>) -> Html {
    let line = format!("why {fact}");
    let onclick = {
        let (ctx, line) = (ctx.clone(), line.clone());
        Callback::from(move |_: MouseEvent| {
            ctx.run(&line);
        })
    };
    let title = fill(ctx.t.ask_why, &[&line]);
    html! { <button class="ask" data-why={fact.to_owned()} {title} {onclick}>{shown.into()}</button> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_space_stands_in_quotes() {
        for (about, numbers, want) in [
            (&["orders"][..], &[0][..], "isr orders 0"),
            (&["my group", "orders"], &[1], "isr(\"my group\", \"orders\", 1)"),
            (&["a\"b"], &[], "isr('a\"b')"),
            (&[], &[3], "isr 3"),
        ] {
            assert_eq!(fact("isr", about, numbers), want);
        }
    }
}
