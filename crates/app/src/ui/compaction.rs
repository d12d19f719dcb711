//! Compaction in the inspector: the clean and the dirty part of a log record by record, what the next pass keeps and what
//! it takes, and each broker's cleaner.

use blumfeld_view::{
    BrokerView, Command, CompactedView, CompactionView, Fate, PartitionView, PassView, TopicView,
};
use yew::prelude::*;

use super::identity;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, one_line, size};
use crate::model::{PartitionName, Shared};
use crate::text::{TransactionText, fill};

/// Of a key so many characters stand in a cell.
const KEY_CHARS: usize = 3;

/// What is shown.
#[derive(Properties, PartialEq)]
pub struct CompactionProps {
    /// The topic.
    pub topic: Shared<TopicView>,
    /// The partition's number.
    pub partition: i32,
    /// The brokers.
    pub brokers: Shared<Vec<BrokerView>>,
    /// What the engine said last, of whichever partition.
    pub view: Option<Shared<CompactionView>>,
}

/// Whether a topic is compacted, by its own config.
pub fn is_compacted(topic: &TopicView) -> bool {
    let policy = topic.configs.iter().find(|(key, _)| key == "cleanup.policy");
    policy.is_some_and(|(_, value)| value.split(',').any(|one| one.trim() == "compact"))
}

/// The part of the inspector.
#[component]
pub fn Compaction(props: &CompactionProps) -> Html {
    let from = use_state(|| None::<i64>);
    let ctx = use_ctx();
    let found = props.topic.partitions.iter().find(|one| one.partition == props.partition);
    let stands = found.map(|one| {
        (
            one.log_start,
            one.log_end,
            one.last_stable,
            one.size,
            one.copies.iter().map(|copy| copy.cleaned_to).collect::<Vec<_>>(),
        )
    });
    use_effect_with((props.topic.name.clone(), props.partition), {
        let from = from.clone();
        move |_| from.set(None)
    });
    // What it makes of the log is asked for when the log has changed.
    use_effect_with((props.topic.name.clone(), props.partition, *from, stands), {
        let ctx = ctx.clone();
        move |(topic, partition, from, stands)| {
            if let (Some(ctx), Some(_)) = (ctx, stands) {
                ctx.ask(&Command::Compaction { topic: topic.clone(), partition: *partition, from: *from });
            }
        }
    });
    let (Some(ctx), Some(partition)) = (ctx, found) else { return Html::default() };
    let x = ctx.lang.transactions();
    let of_this =
        |view: &&Shared<CompactionView>| view.topic == props.topic.name && view.partition == props.partition;
    html! {
        <div class="part compaction">
            <h3 class="cap2">{x.clean}</h3>
            <p class="why">{x.clean_why}</p>
            if let Some(view) = props.view.as_ref().filter(of_this) { {picture(&ctx, view, &from)} }
            {cleaners(&ctx, props, partition)}
        </div>
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}", share * 100.0)
}

fn picture(ctx: &Ctx, view: &CompactionView, from: &UseStateHandle<Option<i64>>) -> Html {
    let x = ctx.lang.transactions();
    let width = (view.to - view.from).max(1);
    let same = same_start(view.records.iter().filter_map(|one| one.key.as_deref()));
    let go = |to: i64| {
        let (from, to) = (from.clone(), to.max(view.log_start));
        Callback::from(move |_: MouseEvent| from.set(Some(to)))
    };
    let parts = [
        (x.part_clean, view.log_start, view.first_dirty),
        (x.part_dirty, view.first_dirty, view.first_uncleanable),
        (x.part_young, view.first_uncleanable.max(view.first_dirty), view.log_end),
    ];
    html! { <>
        <dl class="kv"><div><dt>{x.dirty_ratio}</dt><dd>{fill(x.ratio_of, &[&percent(view.dirty_ratio), &percent(view.min_ratio)])}</dd></div></dl>
        { for parts.into_iter().filter(|(_, begin, end)| end > begin).map(|(name, begin, end)| {
            let shown: Vec<&CompactedView> = (view.records.iter()).filter(|one| (begin..end).contains(&one.offset)).collect();
            let dirty = begin == view.first_dirty && end == view.first_uncleanable;
            let goes = shown.iter().filter(|one| matches!(one.fate, Fate::Superseded | Fate::Expired)).count();
            let there = shown.iter().filter(|one| one.fate != Fate::Gone).count();
            html! { <div class="span-of" data-part={if dirty { "dirty" } else { "" }}>
                <p class="cap">{name}{" "}<span class="num">{format!("{}–{}", count(begin), count(end - 1))}</span>
                    if dirty {
                        <b>{" · "}{if view.untried { x.untried.to_owned() } else { fill(x.takes, &[&count(goes as u64), &count(there as u64)]) }}</b>
                    }</p>
                if !shown.is_empty() { <div class="recs-cells" role="list" aria-label={format!("{}: {name}", x.cells)}>{ for shown.into_iter().map(|one| cell(ctx, view, one, same)) }</div> }
            </div> }
        }) }
        if view.from > view.log_start || view.to < view.log_end {
            <div class="pair">
                <button class="ctl small" disabled={view.from <= view.log_start} onclick={go(view.from - width)}>{x.older}</button>
                <button class="ctl small" disabled={view.to >= view.log_end} onclick={go(view.to)}>{x.newer}</button>
            </div>
        }
        {legend(x, view.partition)}
    </> }
}

/// With how many bytes all keys begin that are the same, where there are different ones: a square has room for the rest.
fn same_start<'a>(mut keys: impl Iterator<Item = &'a str>) -> usize {
    let Some(first) = keys.next() else { return 0 };
    let mut same = first.len();
    for key in keys {
        let differs = first.char_indices().zip(key.chars()).find(|((_, one), other)| one != other);
        same = same.min(differs.map_or(first.len().min(key.len()), |((at, _), _)| at));
    }
    if same == first.len() { 0 } else { same }
}

/// A record's square: its key, and what becomes of it by shape.
fn cell(ctx: &Ctx, view: &CompactionView, one: &CompactedView, same: usize) -> Html {
    let x = ctx.lang.transactions();
    let offset = count(one.offset);
    let key = one.key.as_deref().unwrap_or(if one.control { x.control } else { "null" });
    let fate = match one.fate {
        Fate::Gone => {
            return html! { <span role="listitem" class="cell gone-cell" title={fill(x.cell_gone, &[&offset])}><span class="vh">{fill(x.cell_gone, &[&offset])}</span></span> };
        }
        Fate::Stays => x.stays,
        Fate::Superseded => x.superseded,
        Fate::Expired => x.expired,
    };
    let fate = if one.tombstone { format!("{}, {fate}", x.tombstone) } else { fate.to_owned() };
    let label = fill(x.cell, &[&offset, key, &fate]);
    let onclick = {
        let (ctx, name) =
            (ctx.clone(), PartitionName { topic: view.topic.clone(), partition: view.partition });
        let offset = one.offset;
        Callback::from(move |_: MouseEvent| ctx.seek(&name, offset))
    };
    let goes = matches!(one.fate, Fate::Superseded | Fate::Expired);
    let class = classes!(
        "cell",
        goes.then_some("goes"),
        one.tombstone.then_some("tomb"),
        one.control.then_some("ctrl")
    );
    let rest = key.get(same..).unwrap_or(key);
    let short = || one_line(rest, KEY_CHARS + 1).chars().take(KEY_CHARS).collect();
    let shown: String = if one.control { "·".to_owned() } else { short() };
    html! { <span role="listitem"><button {class} data-p={identity(view.partition)} data-offset={one.offset.to_string()} title={label.clone()} aria-label={label} {onclick}>{shown}</button></span> }
}

fn legend(x: &'static TransactionText, partition: i32) -> Html {
    let sample = |class: &'static str| html! { <span class={classes!("cell", class)} data-p={identity(partition)} aria-hidden="true"></span> };
    html! {
        <ul class="legend">
            <li>{sample("")}{x.stays}</li><li>{sample("goes")}{x.superseded}</li>
            <li>{sample("tomb")}{x.tombstone}</li><li>{sample("gone-cell")}{x.gone}</li>
        </ul>
    }
}

/// Each replica's cleaner.
fn cleaners(ctx: &Ctx, props: &CompactionProps, partition: &PartitionView) -> Html {
    let x = ctx.lang.transactions();
    let mine = |pass: &&PassView| pass.topic == props.topic.name && pass.partition == props.partition;
    let name = format!("{}-{}", props.topic.name, props.partition);
    html! { <>
        <p class="cap">{x.each_cleaner}</p>
        { for partition.copies.iter().filter_map(|copy| {
            let broker = props.brokers.iter().find(|broker| broker.id == copy.broker)?;
            let running = broker.cleaner.running.as_ref().filter(mine);
            let pass = running.or(broker.cleaner.last.as_ref().filter(mine));
            let words = match pass {
                None => x.pass_none.to_owned(),
                Some(pass) if running.is_none() => fill(x.pass_done, &[&count(pass.first_dirty), &count(pass.mapped_to)]),
                Some(pass) => match pass.phase.as_str() {
                    "indexing" => fill(x.pass_indexing, &[&count(pass.mapped_to), &count(pass.first_uncleanable)]),
                    "flushing" => x.pass_flushing.to_owned(),
                    _ => x.pass_cleaning.to_owned(),
                },
            };
            let cleaned = if copy.cleaned_to < 0 { "–".to_owned() } else { count(copy.cleaned_to) };
            Some(html! { <dl class="kv cleaner-of" data-cleaner={copy.broker.to_string()} data-runs={running.is_some().to_string()}>
                <div><dt><b>{fill(ctx.t.broker, &[&copy.broker.to_string()])}</b></dt><dd>{x.cleaned_to}{" "}<b>{cleaned}</b></dd></div>
                <div><dt>{x.pass}</dt><dd>{words}</dd></div>
                if broker.cleaner.uncleanable.contains(&name) { <div><dt></dt><dd class="late">{x.uncleanable}</dd></div> }
                if let Some(pass) = pass { {numbers(x, pass, running.is_some())} }
            </dl> })
        }) }
    </> }
}

fn numbers(x: &'static TransactionText, pass: &PassView, running: bool) -> Html {
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 };
    let bar = |part: f64| {
        html! {
            <svg class="bar-svg" height="6" aria-hidden="true"><rect class="room" width="100%" height="6" /><rect class="used" width={format!("{:.2}%", part.min(100.0))} height="6" /></svg>
        }
    };
    html! { <>
        <div><dt>{x.map}</dt><dd>{fill(x.map_of, &[&count(pass.map_keys), &count(pass.map_capacity)])}</dd></div>
        if running { {bar(share(pass.bytes_read, pass.total_bytes))} }
        <div><dt>{x.read_written}</dt><dd>{format!("{}, {}", size(pass.bytes_read), size(pass.bytes_written))}</dd></div>
        <div><dt>{x.kept}</dt><dd>{count(pass.kept)}</dd></div>
        <div><dt>{x.took}</dt><dd>{format!("{}, {}, {}", count(pass.superseded), count(pass.tombstones), count(pass.aborted))}</dd></div>
    </> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_by_what_differs() {
        for (keys, want) in [
            (vec![], 0),
            (vec!["key-1"], 0),
            (vec!["key-1", "key-1"], 0),
            (vec!["key-1", "key-12", "key-3"], 4),
            (vec!["사과", "사자"], 3),
            (vec!["apple", "pear"], 0),
            (vec!["a", "ab"], 0),
        ] {
            assert_eq!(same_start(keys.iter().copied()), want, "{keys:?}");
        }
    }
}
