//! What is drawn of configs: as a broker would describe them to a client.

use blumfeld_broker::{Broker, ResourceType};
use blumfeld_client::admin::ConfigSource;
use blumfeld_kernel::NodeId;
use blumfeld_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use blumfeld_view::{ConfigResource, ConfigSynonymView, ConfigView, ConfigsView};

use crate::world::World;

impl World {
    /// The configs of something, as DescribeConfigs has them. A broker is asked for itself, and of those that serve the
    /// one that has read the most of the metadata for all else.
    pub fn configs_view(&self, resource: &ConfigResource) -> ConfigsView {
        let mut view =
            ConfigsView { resource: resource.clone(), broker: -1, configs: Vec::new(), error: String::new() };
        let Some((node, broker)) = self.describer(resource) else {
            "BROKER_NOT_AVAILABLE".clone_into(&mut view.error);
            return view;
        };
        view.broker = node.0;
        let (kind, name) = match resource {
            ConfigResource::Topic(name) => (ResourceType::Topic, name.clone()),
            ConfigResource::Broker(id) => (ResourceType::Broker, id.to_string()),
            ConfigResource::Brokers => (ResourceType::Broker, String::new()),
        };
        match broker.describe_configs(kind, &name) {
            Ok(configs) => view.configs = configs.iter().map(config_view).collect(),
            Err((code, message)) => {
                code.name().clone_into(&mut view.error);
                if let Some(message) = message.filter(|message| !message.is_empty()) {
                    view.error.push_str(": ");
                    view.error.push_str(&message);
                }
            }
        }
        view.configs.sort_by(|a, b| a.name.cmp(&b.name));
        view
    }

    fn describer(&self, resource: &ConfigResource) -> Option<(NodeId, &Broker)> {
        let mut brokers = self.nodes().filter_map(|node| Some((node, self.broker(node)?)));
        match resource {
            ConfigResource::Broker(id) => brokers.find(|(node, broker)| node.0 == *id && broker.is_serving()),
            ConfigResource::Topic(_) | ConfigResource::Brokers => brokers
                .filter(|(node, broker)| broker.is_serving() && !self.is_paused(*node))
                .max_by_key(|(node, broker)| (broker.metadata_offset(), std::cmp::Reverse(*node))),
        }
    }
}

fn config_view(config: &DescribeConfigsResourceResult) -> ConfigView {
    let source = |id: i8| ConfigSource::from_id(id).name().to_owned();
    // What is a secret stays with the broker.
    let shown = |value: Option<String>| value.filter(|_| !config.is_sensitive);
    let synonyms = config.synonyms.iter().map(|synonym| ConfigSynonymView {
        name: synonym.name.to_string(),
        value: shown(synonym.value.as_ref().map(ToString::to_string)),
        source: source(synonym.source),
    });
    ConfigView {
        name: config.name.to_string(),
        value: shown(config.value.as_ref().map(ToString::to_string)),
        source: source(config.config_source),
        kind: kind_name(config.config_type).to_owned(),
        read_only: config.read_only,
        sensitive: config.is_sensitive,
        synonyms: synonyms.collect(),
    }
}

/// Kafka's name of a type (DescribeConfigsResponse.ConfigType).
fn kind_name(id: i8) -> &'static str {
    match id {
        1 => "BOOLEAN",
        2 => "STRING",
        3 => "INT",
        4 => "SHORT",
        5 => "LONG",
        6 => "DOUBLE",
        7 => "LIST",
        8 => "CLASS",
        9 => "PASSWORD",
        _ => "UNKNOWN",
    }
}
