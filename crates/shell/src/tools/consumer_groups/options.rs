//! Options of `kafka-consumer-groups.sh` (org.apache.kafka.tools.consumer.group.ConsumerGroupCommandOptions).

use crate::io::Printed;
use crate::options::*;

/// The tool's options.
pub const SPECS: &[Spec] = &[
    flag("all-groups", "With --describe, --delete and --reset-offsets: all groups"),
    flag("all-topics", "With --reset-offsets: all topics of which the group has committed offsets"),
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    value("by-duration", "PnDTnHnMnS", "Reset to the offsets of so long ago"),
    COMMAND_CONFIG,
    flag("delete", "Delete groups with all their offsets"),
    flag("delete-offsets", "Delete a group's offsets of topics"),
    flag("describe", "Show groups: how far each is behind the ends of its partitions"),
    flag("dry-run", "With --reset-offsets: only show the new offsets"),
    flag("execute", "With --reset-offsets: commit the new offsets"),
    flag("export", "With --reset-offsets: write the new offsets as a table of commas"),
    value("from-file", "file", "Reset to the offsets of a dropped file, as --export writes them"),
    value("group", "group", "The group; may be repeated"),
    flag("help", "Show this"),
    flag("list", "Show the names of groups"),
    flag("members", "With --describe: the members and how many partitions each has"),
    flag("offsets", "With --describe: partitions, offsets and lag (the default)"),
    flag("reset-offsets", "Set the offsets of groups that have no members"),
    value("shift-by", "number", "Reset to so many records further on, or back if negative"),
    optional(
        "state",
        "states",
        "With --describe: the group's state; with --list: the states, or only groups in these",
    ),
    value("timeout", "milliseconds", "How long to wait for an answer (default: 30000)"),
    value("to-datetime", "YYYY-MM-DDThh:mm:ss.sss", "Reset to the offsets of this time"),
    flag("to-current", "Reset to what is committed, or the end where nothing is"),
    flag("to-earliest", "Reset to the first records"),
    flag("to-latest", "Reset to the ends"),
    value("to-offset", "offset", "Reset to this offset"),
    value("topic", "topic", "A topic, or topic:0,1 for some of its partitions; may be repeated"),
    optional("type", "types", "With --list: the types, or only groups of these"),
    value("validate-regex", "regex", "See whether this is a regular expression"),
    flag("verbose", "With --describe: more columns"),
    flag("version", "Show the release of Kafka whose tool this is"),
];

/// What the tool is for, in Kafka's words.
pub const ABOUT: &str = "This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset consumer group offsets.";
const ACTIONS: [&str; 6] =
    ["list", "describe", "delete", "reset-offsets", "delete-offsets", "validate-regex"];
/// Where offsets can be set to.
pub const SCENARIOS: [&str; 8] = [
    "to-offset",
    "to-datetime",
    "by-duration",
    "to-earliest",
    "to-latest",
    "to-current",
    "shift-by",
    "from-file",
];
/// Options that go with others only (joptsimple's `availableIf`).
const AVAILABLE_IF: [(&str, &[&str]); 5] = [
    ("members", &["describe"]),
    ("verbose", &["describe"]),
    ("offsets", &["describe"]),
    ("state", &["describe", "list"]),
    ("type", &["list"]),
];
const NO_ACTION: &str = "WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will require either --dry-run or --execute to be specified. You should add the --dry-run option explicitly if you are scripting this command and want to keep the current default behavior without prompting.\n";

/// What joptsimple says of options that others are missing for.
fn unavailable(options: &Options) -> Option<Printed> {
    let alone =
        |(name, with): &(&str, &[&str])| options.has(name) && !with.iter().any(|other| options.has(other));
    let names: Vec<&str> = AVAILABLE_IF.iter().filter(|rule| alone(rule)).map(|(name, _)| *name).collect();
    if names.is_empty() || options.has("help") {
        return None;
    }
    let class = "joptsimple.UnavailableOptionException";
    let text =
        format!("Option(s) [{}] are unavailable given other options on the command line", names.join(", "));
    Some(Printed::error(format!("Exception in thread \"main\" {class}: {text}")))
}

/// The complaint about options that do not go together; else what is to be warned of.
pub fn check(options: &Options) -> Result<&'static str, Printed> {
    let refuse = |printed: Option<Printed>| printed.map_or(Ok(()), Err);
    let complain = |text: &str| Err(usage_error(SPECS, text));
    refuse(unavailable(options))?;
    refuse(help_or_version(SPECS, options, ABOUT))?;
    if !options.has("validate-regex") {
        refuse(missing(SPECS, options, &["bootstrap-server"]))?;
    }
    let selected = options.has("group") || options.has("all-groups");
    let no_group =
        |action: &str| format!("Option [{action}] takes one of these options: [group], [all-groups]");
    if options.has("describe") {
        if !selected {
            return complain(&no_group("describe"));
        }
        if ["members", "offsets", "state"].iter().filter(|name| options.has(name)).count() > 1 {
            return complain(
                "Option [describe] takes at most one of these options: [members], [offsets], [state]",
            );
        }
        if options.values("state").next().is_some() {
            return complain("Option [describe] does not take a value for [state]");
        }
    }
    if options.has("delete") {
        if !selected {
            return complain(&no_group("delete"));
        }
        if options.has("topic") {
            return complain(
                "The consumer does not support topic-specific offset deletion from a consumer group.",
            );
        }
    }
    if options.has("delete-offsets") && !(options.has("group") && options.has("topic")) {
        return complain("Option [delete-offsets] takes the following options: [group], [topic]");
    }
    let mut warning = "";
    if options.has("reset-offsets") {
        if options.has("dry-run") && options.has("execute") {
            return complain("Option [reset-offsets] only accepts one of [execute] and [dry-run]");
        }
        if !options.has("dry-run") && !options.has("execute") {
            warning = NO_ACTION;
        }
    }
    match check_combinations(options, selected) {
        Some(printed) => Err(Printed { err: format!("{warning}{}", printed.err), ..printed }),
        None => Ok(warning),
    }
}

/// The rest, which is checked once the warning is out.
fn check_combinations(options: &Options, selected: bool) -> Option<Printed> {
    if options.has("reset-offsets") {
        if !selected {
            let text = "Option [reset-offsets] takes one of these options: [group], [all-groups]";
            return Some(usage_error(SPECS, text));
        }
        for scenario in SCENARIOS {
            let others: Vec<&str> = SCENARIOS.into_iter().filter(|other| *other != scenario).collect();
            if let Some(printed) = conflict(SPECS, options, scenario, &others) {
                return Some(printed);
            }
        }
    }
    if let Some(printed) = conflict(SPECS, options, "group", &["all-groups"])
        .or_else(|| conflict(SPECS, options, "group", &["list"]))
        .or_else(|| conflict(SPECS, options, "topic", &["list", "describe"]))
    {
        return Some(printed);
    }
    if ACTIONS.iter().filter(|action| options.has(action)).count() == 1 {
        return None;
    }
    let names: Vec<String> = ACTIONS.iter().map(|action| format!("--{action}")).collect();
    Some(usage_error(SPECS, &format!("Command must include exactly one action: {}", names.join(", "))))
}
