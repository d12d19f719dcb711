//! `kafka-configs.sh` for topics and brokers (kafka.admin.ConfigCommand).

use std::collections::BTreeMap;

use blumfeld_client::admin::{
    AdminRequest, AdminResponse, AlterConfigOp, ConfigEntry, ConfigResource, ConfigSource,
};
use blumfeld_client::{ApiError, ClientConfig};
use blumfeld_kernel::Context;

use super::admin::{AdminProcess, AdminTool, Step, execution_trace};
use super::file::{FromFile, launch};
use super::toolbox::{Launch, bootstrap_hint, client};
use crate::io::{Printed, err, out};
use crate::java::{load_properties, parse_number};
use crate::options::*;
use crate::{Environment, StdinSource};

/// The tool's options.
pub const SPECS: &[Spec] = &[
    value("add-config", "k1=v1,k2=[v2,v3]", "With --alter: configurations to set"),
    value(
        "add-config-file",
        "file",
        "With --alter: a dropped file with configurations to set, as properties",
    ),
    flag("all", "With --describe: all configurations, not only those set here"),
    flag("alter", "Change configurations"),
    not_yet("bootstrap-controller", Argument::Required("host:port")),
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    value("broker", "id", "The broker's id, short for --entity-type brokers --entity-name"),
    flag("broker-defaults", "All brokers, short for --entity-type brokers --entity-default"),
    not_yet("broker-logger", Argument::Required("id")),
    not_yet("client", Argument::Required("id")),
    not_yet("client-defaults", Argument::None),
    not_yet("client-metrics", Argument::Required("name")),
    COMMAND_CONFIG,
    value("delete-config", "k1,k2", "With --alter: configurations to remove"),
    flag("describe", "Show configurations"),
    flag("entity-default", "What counts for all brokers that have nothing else"),
    value("entity-name", "name", "The topic's name or the broker's id"),
    value("entity-type", "type", "`topics` or `brokers`; Kafka's others are not here yet"),
    not_yet("force", Argument::None),
    not_yet("group", Argument::Required("group")),
    flag("help", "Show this"),
    not_yet("ip", Argument::Required("ip")),
    not_yet("ip-defaults", Argument::None),
    value("topic", "topic", "The topic's name, short for --entity-type topics --entity-name"),
    not_yet("user", Argument::Required("user")),
    not_yet("user-defaults", Argument::None),
    flag("version", "Show the release of Kafka whose tool this is"),
];

const ABOUT: &str = "This tool helps to manipulate and describe entity config for a topic, client, user, broker, ip, client-metrics or group";
const TYPES: [&str; 8] =
    ["topics", "clients", "users", "brokers", "ips", "client-metrics", "groups", "broker-loggers"];

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, stdin: &StdinSource) -> Launch {
    if arguments.is_empty() {
        return usage_error(SPECS, ABOUT).into();
    }
    let options = match Options::parse(SPECS, arguments) {
        Ok(options) => options,
        Err(error) => return error.printed(&bootstrap_hint(env), error.to_string()).into(),
    };
    if let Some(printed) = help_or_version(SPECS, &options, ABOUT) {
        return printed.into();
    }
    let arguments = arguments.join(" ");
    let prepared = check(&options).and_then(|(kind, name)| {
        let tool = Configs { kind, name, action: action(&options)?, all: options.has("all"), arguments, open: Vec::new() };
        let bootstrap = options.values("bootstrap-server").last().unwrap_or_default();
        match client(bootstrap, "adminclient-1", env) {
            Ok(config) => Ok((config, tool)),
            Err(error) => Err(tool.error(&format!(
                "org.apache.kafka.common.KafkaException: Failed to create new KafkaAdminClient\nCaused by: org.apache.kafka.common.config.ConfigException: {error}"
            ))),
        }
    });
    match prepared {
        Ok((config, tool)) => tool.launch(&config, &options, env, stdin),
        Err(printed) => printed.into(),
    }
}

/// What configurations are of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Topics,
    Brokers,
}

impl Kind {
    /// As in `--entity-type`.
    const fn plural(self) -> &'static str {
        match self {
            Self::Topics => "topics",
            Self::Brokers => "brokers",
        }
    }

    const fn singular(self) -> &'static str {
        match self {
            Self::Topics => "topic",
            Self::Brokers => "broker",
        }
    }

    fn resource(self, name: String) -> ConfigResource {
        match self {
            Self::Topics => ConfigResource::Topic(name),
            Self::Brokers => ConfigResource::Broker(name),
        }
    }
}

#[derive(Clone, Debug)]
enum Action {
    Describe,
    Alter { add: BTreeMap<String, String>, delete: Vec<String> },
}

/// Whose configurations the command is about (ConfigCommandOptions.checkArgs). No name stands for all, an empty one for
/// the default.
fn check(options: &Options) -> Result<(Kind, Option<String>), Printed> {
    let failed = |text: String| Err(Printed::error(text));
    if usize::from(options.has("alter")) + usize::from(options.has("describe")) != 1 {
        return Err(usage_error(SPECS, "Command must include exactly one action: --describe, --alter"));
    }
    if let Some(printed) = conflict(SPECS, options, "describe", &["add-config", "delete-config"]) {
        return Err(printed);
    }
    let flags = [("topic", "topics"), ("broker", "brokers"), ("broker-defaults", "brokers")];
    let given: Vec<&(&str, &str)> = flags.iter().filter(|(flag, _)| options.has(flag)).collect();
    let mut types: Vec<&str> = options.values("entity-type").collect();
    types.extend(given.iter().map(|(_, kind)| *kind));
    let twice: Vec<&str> =
        (0..types.len()).filter(|at| types[..*at].contains(&types[*at])).map(|at| types[at]).collect();
    if !twice.is_empty() {
        return failed(format!("Duplicate entity type(s) specified: {}", twice.join(",")));
    }
    if !options.has("bootstrap-server") {
        return failed("Either --bootstrap-server or --bootstrap-controller must be specified.".to_owned());
    }
    if let Some(kind) = types.iter().find(|kind| !TYPES.contains(kind)) {
        return failed(format!(
            "Invalid entity type {kind}, the entity type must be one of {} with a --bootstrap-server or --bootstrap-controller argument",
            TYPES.join(", ")
        ));
    }
    let only = match types[..] {
        [] => return failed("At least one entity type must be specified".to_owned()),
        [only] => only,
        [first, second]
            if first != second && [first, second].iter().all(|of| ["users", "clients"].contains(of)) =>
        {
            first
        }
        _ => return failed("Only 'users' and 'clients' entity types may be specified together".to_owned()),
    };
    let general = ["entity-type", "entity-name", "entity-default"].iter().any(|name| options.has(name));
    if general && !given.is_empty() {
        return failed(
            "--entity-{type,name,default} should not be used in conjunction with specific entity flags"
                .to_owned(),
        );
    }
    let kind = match only {
        "topics" => Kind::Topics,
        "brokers" => Kind::Brokers,
        other => {
            return failed(format!("blumfeld: --entity-type {other} is one of Kafka's that is not here yet"));
        }
    };
    let value = |name| options.value(name).map_err(|error| Printed::error(error.to_string()));
    let named = value("entity-name")?.or(value("topic")?).or(value("broker")?);
    let default = options.has("entity-default") || options.has("broker-defaults");
    if kind == Kind::Brokers
        && let Some(id) = named
        && parse_number::<i32>(id).is_none()
    {
        return failed(format!(
            "The entity name for brokers must be a valid integer broker id, but it is: {id}"
        ));
    }
    if kind == Kind::Topics && options.has("describe") && options.has("entity-default") {
        return failed("--entity-default must not be specified with --describe of topics".to_owned());
    }
    if options.has("alter") {
        match kind {
            Kind::Brokers if named.is_none() && !default => {
                return failed(
                    "An entity-name or default entity must be specified with --alter of users, clients, brokers or ips"
                        .to_owned(),
                );
            }
            Kind::Topics if named.is_none() => {
                return failed("An entity name must be specified with --alter of topics".to_owned());
            }
            _ => {}
        }
        if options.has("add-config") && options.has("add-config-file") {
            return failed("Only one of --add-config or --add-config-file must be specified".to_owned());
        }
        if !["add-config", "add-config-file", "delete-config"].iter().any(|name| options.has(name)) {
            return failed(
                "At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter"
                    .to_owned(),
            );
        }
    }
    Ok((kind, named.map(str::to_owned).or_else(|| default.then(String::new))))
}

/// What is to be done, but for a file's part.
fn action(options: &Options) -> Result<Action, Printed> {
    if options.has("describe") {
        return Ok(Action::Describe);
    }
    let add = match options.value("add-config").map_err(|error| Printed::error(error.to_string()))? {
        Some(text) => to_be_added(text).map_err(Printed::error)?,
        None => BTreeMap::new(),
    };
    let delete: Vec<String> = options
        .values("delete-config")
        .flat_map(|list| list.split(','))
        .map(|name| name.trim().to_owned())
        .collect();
    if let Some(both) = delete.iter().find(|name| add.contains_key(*name)) {
        return Err(Printed::error(format!("requirement failed: Invalid config: {both} is in both")));
    }
    Ok(Action::Alter { add, delete })
}

/// `a=1,b=[2,3]`: a comma inside of brackets belongs to the value (ConfigCommand.parseConfigsToBeAdded).
fn to_be_added(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    for c in text.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            ',' if !inside => parts.push(String::new()),
            _ => {}
        }
        if let Some(last) = parts.last_mut()
            && (c != ',' || inside)
        {
            last.push(c);
        }
    }
    let mut configs = BTreeMap::new();
    for part in parts {
        let Some((name, value)) = part.split_once('=') else {
            return Err("requirement failed: Invalid entity config: all configs to be added must be in the format \"key=val\" or  \"key=[val1,val2]\" to group values which contain commas.".to_owned());
        };
        let value: String = value.trim().chars().filter(|c| !['[', ']'].contains(c)).collect();
        configs.insert(name.trim().to_owned(), value);
    }
    Ok(configs)
}

#[derive(Clone, Debug)]
struct Configs {
    kind: Kind,
    name: Option<String>,
    action: Action,
    all: bool,
    arguments: String,
    /// Names that are still to be described.
    open: Vec<String>,
}

/// With a file of configurations to be set.
impl FromFile for Configs {
    type Tool = Configs;

    fn read(&self, bytes: &[u8]) -> Result<Configs, Printed> {
        let mut tool = self.clone();
        if let Action::Alter { add, .. } = &mut tool.action {
            add.extend(load_properties(&String::from_utf8_lossy(bytes)));
        }
        Ok(tool)
    }
}

impl Configs {
    fn launch(
        self,
        config: &ClientConfig,
        options: &Options,
        env: &dyn Environment,
        stdin: &StdinSource,
    ) -> Launch {
        let Some(file) = options.values("add-config-file").last() else {
            return Launch::Run(Box::new(AdminProcess::new(config.clone(), self)));
        };
        let missing = self.error(&format!("java.nio.file.NoSuchFileException: {file}"));
        launch(config, file, self, env, stdin).unwrap_or_else(|| missing.into())
    }

    /// How the tool ends when something is thrown.
    fn error(&self, trace: &str) -> Printed {
        Printed::error(format!(
            "Error while executing config command with args '{}'\n{trace}",
            self.arguments
        ))
    }

    fn failed(&self, cx: &mut Context<'_>, error: &ApiError) -> Step {
        err(cx, self.error(execution_trace(error).trim_end()).err.trim_end());
        Step::Exit(1)
    }

    /// What one resource has.
    fn describe(&self, cx: &mut Context<'_>, resource: &ConfigResource, mut entries: Vec<ConfigEntry>) {
        let (name, which) = (resource.name(), if self.all { "All" } else { "Dynamic" });
        let own = match resource {
            ConfigResource::Topic(_) => ConfigSource::DynamicTopic,
            ConfigResource::Broker(id) if id.is_empty() => ConfigSource::DynamicDefaultBroker,
            ConfigResource::Broker(_) => ConfigSource::DynamicBroker,
        };
        if name.is_empty() {
            out(cx, &format!("Default configs for {} in the cluster are:", self.kind.plural()));
        } else {
            out(cx, &format!("{which} configs for {} {name} are:", self.kind.singular()));
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        for entry in entries.iter().filter(|entry| self.all || entry.source == own) {
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
            let synonyms: Vec<String> = entry
                .synonyms
                .iter()
                .map(|(name, value, source)| format!("{}:{name}={}", source.name(), shown(value)))
                .collect();
            out(
                cx,
                &format!(
                    "  {}={} sensitive={} synonyms={{{}}}",
                    entry.name,
                    shown(&entry.value),
                    entry.sensitive,
                    synonyms.join(", ")
                ),
            );
        }
    }

    /// Asks for what is still to be described. One broker answers for itself alone, and so each is asked on its own.
    fn next(&mut self) -> Step {
        match (self.kind, self.open.pop()) {
            (_, None) => Step::Exit(0),
            (Kind::Brokers, Some(name)) => Step::Ask(AdminRequest::DescribeConfigs {
                resources: vec![ConfigResource::Broker(name)],
                synonyms: true,
            }),
            (Kind::Topics, Some(last)) => {
                let names = self.open.drain(..).chain([last]);
                let resources = names.map(ConfigResource::Topic).collect();
                Step::Ask(AdminRequest::DescribeConfigs { resources, synonyms: true })
            }
        }
    }

    /// Goes on with those of `there` that are wanted.
    fn chosen(&mut self, cx: &mut Context<'_>, there: Vec<String>) -> Step {
        self.open = match &self.name {
            Some(name) if name.is_empty() || there.contains(name) => vec![name.clone()],
            Some(name) => {
                let kind = self.kind.singular();
                out(cx, &format!("The {kind} '{name}' doesn't exist and doesn't have dynamic config."));
                return Step::Exit(0);
            }
            None => there,
        };
        if self.kind == Kind::Brokers {
            if self.name.is_none() {
                self.open.push(String::new());
            }
            self.open.reverse();
        }
        self.next()
    }
}

impl AdminTool for Configs {
    fn begin(&mut self, _: &mut Context<'_>) -> Step {
        match (&self.action, &self.name) {
            (Action::Alter { add, delete }, Some(name)) => {
                let set = add.iter().map(|(name, value)| (name.clone(), AlterConfigOp::Set(value.clone())));
                let unset = delete.iter().map(|name| (name.clone(), AlterConfigOp::Delete));
                let resources = vec![(self.kind.resource(name.clone()), set.chain(unset).collect())];
                Step::Ask(AdminRequest::IncrementalAlterConfigs { resources, validate_only: false })
            }
            _ => Step::Ask(match self.kind {
                Kind::Topics => AdminRequest::ListTopics,
                Kind::Brokers => AdminRequest::DescribeCluster { fenced: false },
            }),
        }
    }

    fn answered(&mut self, cx: &mut Context<'_>, answer: Result<AdminResponse, ApiError>) -> Step {
        match answer {
            Ok(AdminResponse::Descriptions(topics)) => self.chosen(cx, topics.into_keys().collect()),
            Ok(AdminResponse::Cluster(cluster)) => {
                self.chosen(cx, cluster.brokers.iter().map(|broker| broker.id.to_string()).collect())
            }
            Ok(AdminResponse::Configs(results)) => {
                for (resource, result) in results {
                    match result {
                        Ok(entries) => self.describe(cx, &resource, entries),
                        Err(error) => return self.failed(cx, &error),
                    }
                }
                self.next()
            }
            Ok(AdminResponse::Altered(results)) => {
                for (resource, result) in results {
                    if let Err(error) = result {
                        return self.failed(cx, &error);
                    }
                    out(
                        cx,
                        &match resource.name() {
                            "" => format!(
                                "Completed updating default config for {} in the cluster.",
                                self.kind.plural()
                            ),
                            name => {
                                format!("Completed updating config for {} {name}.", self.kind.singular())
                            }
                        },
                    );
                }
                Step::Exit(0)
            }
            Ok(_) => Step::Exit(1),
            Err(error) => self.failed(cx, &error),
        }
    }
}
