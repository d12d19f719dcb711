//! What can be done to the chosen partition and its topic, each with its line of the console.

use blumfeld_view::{PartitionView, TopicView};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::board::press;
use super::command_line;
use crate::ctx::use_ctx;
use crate::model::Shared;
use crate::text::fill;

/// Where the tools connect to.
const SERVER: &str = "--bootstrap-server localhost:9092";

/// What is acted on.
#[derive(Properties, PartialEq)]
pub struct PartitionDeedsProps {
    /// The topic.
    pub topic: Shared<TopicView>,
    /// The partition's number.
    pub partition: i32,
    /// The brokers by id.
    pub brokers: Vec<i32>,
}

/// One more partition.
fn grow(topic: &TopicView) -> String {
    let count = topic.partitions.len() + 1;
    format!("kafka-topics.sh {SERVER} --alter --topic {} --partitions {count}", topic.name)
}

/// The first of its replicas is to lead again.
fn elect(topic: &TopicView, number: i32) -> String {
    let name = &topic.name;
    format!("kafka-leader-election.sh {SERVER} --election-type preferred --topic {name} --partition {number}")
}

/// A replica moves from one broker to another, in its place of the list.
fn moves(topic: &TopicView, partition: &PartitionView, from: i32, to: i32) -> String {
    let place = |id: &i32| if *id == from { to } else { *id }.to_string();
    let replicas = partition.replicas.iter().map(place).collect::<Vec<_>>().join(",");
    let (name, number) = (&topic.name, partition.partition);
    let plan = format!(
        r#"{{"version":1,"partitions":[{{"topic":"{name}","partition":{number},"replicas":[{replicas}]}}]}}"#
    );
    format!(
        "echo '{plan}' | kafka-reassign-partitions.sh {SERVER} --reassignment-json-file /dev/stdin --execute"
    )
}

/// The deeds.
#[component]
pub fn PartitionDeeds(props: &PartitionDeedsProps) -> Html {
    let way = use_state(|| (None::<i32>, None::<i32>));
    let Some(ctx) = use_ctx() else { return Html::default() };
    let (t, topic) = (ctx.t, &props.topic);
    let Some(partition) = topic.partitions.iter().find(|one| one.partition == props.partition) else {
        return Html::default();
    };
    let free: Vec<i32> =
        props.brokers.iter().copied().filter(|id| !partition.replicas.contains(id)).collect();
    // What was chosen may have moved since.
    let from = way.0.filter(|id| partition.replicas.contains(id)).or(partition.replicas.last().copied());
    let to = way.1.filter(|id| free.contains(id)).or(free.first().copied());
    let choose = |of_from: bool| {
        let way = way.clone();
        Callback::from(move |event: Event| {
            let id = event.target_unchecked_into::<HtmlSelectElement>().value().parse().ok();
            way.set(if of_from { (id, way.1) } else { (way.0, id) });
        })
    };
    let options = |ids: &[i32], chosen: Option<i32>| -> Html {
        let option = |id: &i32| html! { <option value={id.to_string()} selected={Some(*id) == chosen}>{fill(t.broker, &[&id.to_string()])}</option> };
        ids.iter().map(option).collect()
    };
    let (grows, elects) = (grow(topic), elect(topic, partition.partition));
    html! {
        <div class="part deeds-part">
            <h3 class="cap2">{t.partition_deeds}</h3>
            <ul class="deed-list">
                <li><button class="ctl" data-deed="grow" title={grows.clone()} onclick={press(&ctx, &grows)}>{t.deed_grow}</button></li>
                <li><button class="ctl" data-deed="elect" title={elects.clone()} onclick={press(&ctx, &elects)}>{t.deed_elect}</button></li>
            </ul>
            if let Some((from, to)) = from.zip(to) {
                <div class="move">
                    <label><span class="k">{t.move_from}</span><select class="ctl small" onchange={choose(true)}>{options(&partition.replicas, Some(from))}</select></label>
                    <label><span class="k">{t.move_to}</span><select class="ctl small" onchange={choose(false)}>{options(&free, Some(to))}</select></label>
                    <button class="ctl" data-deed="move" onclick={press(&ctx, &moves(topic, partition, from, to))}>{t.deed_move}</button>
                </div>
                <code class="line">{command_line(&moves(topic, partition, from, to))}</code>
            } else {
                <p class="meta">{t.move_nowhere}{" "}<code>{"broker add"}</code></p>
            }
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic() -> TopicView {
        let partition = PartitionView {
            partition: 2,
            leader: 1,
            leader_epoch: 0,
            replicas: vec![1, 2, 3],
            isr: vec![1, 2, 3],
            elr: vec![],
            copies: vec![],
            log_start: 0,
            high_watermark: 0,
            log_end: 0,
            durable_offset: 0,
            size: 0,
            segments: vec![],
            ..PartitionView::default()
        };
        TopicView {
            name: "orders".into(),
            id: String::new(),
            internal: false,
            replication_factor: 3,
            configs: vec![],
            partitions: vec![partition],
        }
    }

    #[test]
    fn the_lines_are_the_tools_own() {
        let topic = topic();
        let server = "--bootstrap-server localhost:9092";
        assert_eq!(grow(&topic), format!("kafka-topics.sh {server} --alter --topic orders --partitions 2"));
        assert_eq!(
            elect(&topic, 2),
            format!(
                "kafka-leader-election.sh {server} --election-type preferred --topic orders --partition 2"
            )
        );
        assert_eq!(
            moves(&topic, &topic.partitions[0], 2, 4),
            format!(
                r#"echo '{{"version":1,"partitions":[{{"topic":"orders","partition":2,"replicas":[1,4,3]}}]}}' | kafka-reassign-partitions.sh {server} --reassignment-json-file /dev/stdin --execute"#
            )
        );
    }
}
