//! The header of a batch and its bytes; what is pointed at in one is lit in the other.

use blumfeld_view::BatchDetail;
use yew::prelude::*;

use crate::ctx::use_ctx;
use crate::format::count;
use crate::model::Shared;
use crate::text::fill;

/// Bytes in a row.
const ROW: usize = 16;
/// Bytes that are in the document at a time.
const WINDOW: usize = 32 * ROW;

/// What is pointed at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lit {
    /// Nothing.
    Nothing,
    /// The field of this place in the list.
    Field(usize),
    /// The record of this place in the list.
    Record(usize),
}

impl Lit {
    /// The bytes of it, from and to.
    pub fn bytes(self, detail: &BatchDetail) -> Option<(usize, usize)> {
        let (from, to) = match self {
            Self::Nothing => return None,
            Self::Field(at) => detail.fields.get(at).map(|field| (field.from, field.to))?,
            Self::Record(at) => detail.records.get(at).and_then(|record| record.from.zip(record.to))?,
        };
        Some((from as usize, to as usize))
    }

    /// What a byte belongs to.
    pub fn at(detail: &BatchDetail, byte: usize) -> Self {
        let within = |from: u32, to: u32| (from as usize..to as usize).contains(&byte);
        if let Some(at) = detail.fields.iter().position(|field| within(field.from, field.to)) {
            return Self::Field(at);
        }
        let record = detail
            .records
            .iter()
            .position(|record| record.from.zip(record.to).is_some_and(|(f, t)| within(f, t)));
        record.map_or(Self::Nothing, Self::Record)
    }
}

/// What the view shows.
#[derive(Properties, PartialEq)]
pub struct HexProps {
    /// The batch.
    pub detail: Shared<BatchDetail>,
    /// What is pointed at.
    pub lit: Lit,
    /// Called with what is being pointed at.
    pub light: Callback<Lit>,
}

/// Header fields and bytes.
#[component]
pub fn HexView(props: &HexProps) -> Html {
    let window = use_state(|| 0_usize);
    let (detail, lit) = (&props.detail, props.lit);
    let bytes = &detail.bytes;
    // Only what a list points at moves the window: under the pointer itself it must stand still.
    use_effect_with((detail.clone(), lit), {
        let window = window.clone();
        move |(detail, lit)| {
            let from = lit.bytes(detail).map_or(0, |(from, _)| from);
            let shown = *window..*window + WINDOW;
            if (*lit == Lit::Nothing && *window >= detail.bytes.len())
                || (*lit != Lit::Nothing && !shown.contains(&from))
            {
                window.set(from / WINDOW * WINDOW);
            }
        }
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let range = lit.bytes(detail);
    let from = (*window).min(bytes.len());
    let to = (from + WINDOW).min(bytes.len());
    let shown = bytes.get(from..to).unwrap_or_default();
    let turn = |to: usize| {
        let window = window.clone();
        Callback::from(move |_: MouseEvent| window.set(to))
    };
    let point = {
        let (light, detail) = (props.light.clone(), detail.clone());
        Callback::from(move |event: MouseEvent| {
            let byte = event.target_dyn_into::<web_sys::Element>().and_then(|e| e.get_attribute("data-at"));
            if let Some(byte) = byte.and_then(|byte| byte.parse().ok()) {
                light.emit(Lit::at(&detail, byte));
            }
        })
    };
    html! {
        <div class="hexes">
            <dl class="fields" aria-label={t.header_fields}>
                { for detail.fields.iter().enumerate().map(|(at, field)| {
                    let on = lit == Lit::Field(at);
                    let light = |to: Lit| { let light = props.light.clone(); move || light.emit(to) };
                    let (over, focus) = (light(Lit::Field(at)), light(Lit::Field(at)));
                    let title = fill(t.field_bytes, &[&field.from.to_string(), &field.to.saturating_sub(1).to_string()]);
                    html! {
                        <div class={on.then_some("on")} data-field={field.name.clone()} tabindex="0" {title}
                            onmouseover={move |_| over()} onfocus={move |_| focus()}>
                            <dt>{&field.name}</dt><dd>{&field.value}</dd>
                        </div>
                    }
                }) }
            </dl>
            <div class="hexw">
                <div class="hexd" onmouseover={point} role="img" tabindex="0" aria-label={t.bytes}>
                    { for shown.chunks(ROW).enumerate().map(|(row, chunk)| {
                        let start = from + row * ROW;
                        html! {
                            <div class="hr"><span class="ho">{format!("{start:04x}")}</span>
                                { for chunk.iter().enumerate().map(|(column, byte)| {
                                    let at = start + column;
                                    let on = range.is_some_and(|(from, to)| (from..to).contains(&at));
                                    html! { <span class={classes!("hb", on.then_some("hs"))} data-at={at.to_string()}>{format!("{byte:02x}")}</span> }
                                }) }
                                { for (chunk.len()..ROW).map(|_| html! { <span class="hb"></span> }) }
                                <span class="ha">{ chunk.iter().map(|byte| printable(*byte)).collect::<String>() }</span>
                            </div>
                        }
                    }) }
                </div>
                <div class="pager">
                    <span class="cap">{fill(t.hex_range, &[&count(from as i64), &count(to.saturating_sub(1) as i64), &count(detail.batch.size)])}</span>
                    if from > 0 { <button class="ctl small" onclick={turn(from.saturating_sub(WINDOW))}>{t.fewer_bytes}</button> }
                    if to < bytes.len() { <button class="ctl small" onclick={turn(to)}>{t.more_bytes}</button> }
                </div>
                if detail.batch.compression != "none" { <p class="cap note">{t.compressed_note}</p> }
            </div>
        </div>
    }
}

/// A byte as a letter, or a dot.
fn printable(byte: u8) -> char {
    if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '·' }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blumfeld_view::{BatchView, FieldView, RecordView};

    #[test]
    fn bytes_and_what_they_belong_to() {
        let field = |name: &str, from, to| FieldView { name: name.into(), value: String::new(), from, to };
        let record = |from, to| RecordView {
            offset: 0,
            timestamp: 0.0,
            key: None,
            value: None,
            key_size: -1,
            value_size: -1,
            headers: vec![],
            from,
            to,
            meaning: None,
        };
        let detail = BatchDetail {
            topic: "t".into(),
            partition: 0,
            batch: BatchView {
                base_offset: 0,
                last_offset: 1,
                segment: 0,
                position: 0,
                size: 80,
                records: 2,
                compression: "none".into(),
                max_timestamp: 0.0,
                durable: true,
            },
            fields: vec![field("baseOffset", 0, 8), field("batchLength", 8, 12)],
            records: vec![record(Some(61), Some(70)), record(None, None)],
            skipped: 0,
            bytes: Default::default(),
            error: None,
        };
        for (byte, want) in [
            (0, Lit::Field(0)),
            (8, Lit::Field(1)),
            (12, Lit::Nothing),
            (61, Lit::Record(0)),
            (70, Lit::Nothing),
        ] {
            assert_eq!(Lit::at(&detail, byte), want);
        }
        for (lit, want) in [
            (Lit::Field(1), Some((8, 12))),
            (Lit::Field(9), None),
            (Lit::Record(0), Some((61, 70))),
            (Lit::Record(1), None),
            (Lit::Nothing, None),
        ] {
            assert_eq!(lit.bytes(&detail), want);
        }
    }
}
