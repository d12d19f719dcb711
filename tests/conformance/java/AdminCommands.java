import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.admin.ReplicaInfo;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;

/** What of Java's Admin the other clients have no commands for. */
final class AdminCommands {
    private final Admin admin;

    AdminCommands(Admin admin) {
        this.admin = admin;
    }

    Object act(String name, JsonNode command) throws Exception {
        String topic = command.path("topic").asText(null);
        String group = command.path("group").asText(null);
        TopicPartition partition = new TopicPartition(topic == null ? "" : topic, command.path("partition").asInt());
        switch (name) {
            case "cluster": return cluster();
            case "create_by_default": return createByDefault(topic, command.path("validate_only").asBoolean());
            case "add_partitions":
                return Client.done(admin.createPartitions(
                    Map.of(topic, NewPartitions.increaseTo(command.get("count").asInt()))).all());
            case "topic_id": return topicId(topic);
            case "name_of": return nameOf(Uuid.fromString(command.get("id").asText()));
            case "delete_by_id":
                Uuid id = Uuid.fromString(command.get("id").asText());
                return Client.done(admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all());
            case "configs": return configs(resource(command));
            case "alter_configs": return alterConfigs(command);
            case "list_offset": return listOffset(partition, command.get("spec").asText());
            case "delete_records":
                RecordsToDelete before = RecordsToDelete.beforeOffset(command.get("before").asLong());
                return Client.done(admin.deleteRecords(Map.of(partition, before)).lowWatermarks().get(partition))
                    .lowWatermark();
            case "list_groups": return listGroups(command);
            case "describe_members": return describeMembers(group);
            case "delete_offsets":
                return Client.done(admin.deleteConsumerGroupOffsets(group, Set.of(partition)).all());
            case "remove_members":
                return Client.done(admin.removeMembersFromConsumerGroup(
                    group, new RemoveMembersFromConsumerGroupOptions()).all());
            case "log_dirs": return logDirs(topic);
            case "quorum": return quorum();
            case "elect":
                return Client.done(admin.electLeaders(ElectionType.PREFERRED, Set.of(partition)).partitions())
                    .get(partition).map(error -> error.getClass().getSimpleName()).orElse(null);
            case "reassign":
                List<Integer> replicas = new ArrayList<>();
                command.get("replicas").forEach(replica -> replicas.add(replica.asInt()));
                return Client.done(admin.alterPartitionReassignments(
                    Map.of(partition, Optional.of(new NewPartitionReassignment(replicas)))).all());
            case "reassignments":
                return Client.done(admin.listPartitionReassignments().reassignments()).keySet().stream()
                    .map(TopicPartition::toString).sorted().toList();
            case "features":
                Map<String, Integer> levels = new TreeMap<>();
                Client.done(admin.describeFeatures().featureMetadata()).finalizedFeatures()
                    .forEach((feature, range) -> levels.put(feature, (int) range.maxVersionLevel()));
                return levels;
            default: throw new IllegalArgumentException("there is no command " + name);
        }
    }

    private Object cluster() throws Exception {
        var found = admin.describeCluster();
        return Map.of(
            "id", Client.done(found.clusterId()),
            "controller", Client.done(found.controller()).id(),
            "nodes", Client.done(found.nodes()).stream().map(Node::id).sorted().toList());
    }

    private Object createByDefault(String topic, boolean validateOnly) throws Exception {
        NewTopic made = new NewTopic(topic, Optional.empty(), Optional.empty());
        var result = admin.createTopics(List.of(made), new CreateTopicsOptions().validateOnly(validateOnly));
        Client.done(result.all());
        return Map.of(
            "partitions", Client.done(result.numPartitions(topic)),
            "replication", Client.done(result.replicationFactor(topic)));
    }

    private Object topicId(String topic) throws Exception {
        return Client.done(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic).topicId().toString();
    }

    private Object nameOf(Uuid id) throws Exception {
        return Client.done(admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds()).get(id).name();
    }

    // ---- configs

    private static ConfigResource resource(JsonNode command) {
        return command.has("topic")
            ? new ConfigResource(ConfigResource.Type.TOPIC, command.get("topic").asText())
            : new ConfigResource(ConfigResource.Type.BROKER, command.get("broker").asText());
    }

    private Object configs(ConfigResource resource) throws Exception {
        Config found = Client.done(admin.describeConfigs(List.of(resource)).all()).get(resource);
        Map<String, Object> plain = new TreeMap<>();
        for (ConfigEntry entry : found.entries()) {
            Map<String, Object> one = new HashMap<>();
            one.put("value", entry.value());
            one.put("source", entry.source().name());
            plain.put(entry.name(), one);
        }
        return plain;
    }

    private Object alterConfigs(JsonNode command) throws Exception {
        List<AlterConfigOp> operations = new ArrayList<>();
        for (JsonNode one : command.get("operations")) {
            ConfigEntry entry = new ConfigEntry(one.get(1).asText(), one.get(2).asText());
            operations.add(new AlterConfigOp(entry, AlterConfigOp.OpType.valueOf(one.get(0).asText())));
        }
        return Client.done(admin.incrementalAlterConfigs(Map.of(resource(command), operations)).all());
    }

    // ---- records

    private Object listOffset(TopicPartition partition, String spec) throws Exception {
        OffsetSpec wanted = switch (spec) {
            case "earliest" -> OffsetSpec.earliest();
            case "latest" -> OffsetSpec.latest();
            case "max_timestamp" -> OffsetSpec.maxTimestamp();
            default -> OffsetSpec.forTimestamp(Long.parseLong(spec));
        };
        ListOffsetsResult.ListOffsetsResultInfo found =
            Client.done(admin.listOffsets(Map.of(partition, wanted)).partitionResult(partition));
        return List.of(found.offset(), found.timestamp());
    }

    private Object logDirs(String topic) throws Exception {
        Map<Integer, List<String>> plain = new TreeMap<>();
        List<Integer> brokers = Client.done(admin.describeCluster().nodes()).stream().map(Node::id).toList();
        Client.done(admin.describeLogDirs(brokers).allDescriptions()).forEach((broker, directories) -> {
            List<String> partitions = new ArrayList<>();
            directories.values().forEach(directory -> {
                for (Map.Entry<TopicPartition, ReplicaInfo> replica : directory.replicaInfos().entrySet()) {
                    if (replica.getKey().topic().equals(topic) && replica.getValue().size() > 0) {
                        partitions.add(replica.getKey().toString());
                    }
                }
            });
            plain.put(broker, partitions.stream().sorted().toList());
        });
        return plain;
    }

    private Object quorum() throws Exception {
        QuorumInfo found = Client.done(admin.describeMetadataQuorum().quorumInfo());
        return Map.of(
            "leader", found.leaderId(),
            "voters", found.voters().stream().map(QuorumInfo.ReplicaState::replicaId).sorted().toList());
    }

    // ---- groups

    private Object listGroups(JsonNode command) throws Exception {
        ListGroupsOptions options = ListGroupsOptions.forConsumerGroups();
        if (command.has("states")) {
            Set<GroupState> states = new HashSet<>();
            command.get("states").forEach(state -> states.add(GroupState.parse(state.asText())));
            options.inGroupStates(states);
        }
        Map<String, Object> plain = new TreeMap<>();
        Client.done(admin.listGroups(options).all()).forEach(found -> plain.put(found.groupId(), List.of(
            found.groupState().map(Object::toString).orElse(""), found.type().map(Object::toString).orElse(""),
            found.protocol())));
        return plain;
    }

    private Object describeMembers(String group) throws Exception {
        ConsumerGroupDescription found =
            Client.done(admin.describeConsumerGroups(List.of(group)).all()).get(group);
        List<Object> members = new ArrayList<>();
        found.members().forEach(member -> members.add(Map.of(
            "id", member.consumerId(),
            "instance", member.groupInstanceId().orElse(""),
            "host", member.host(),
            "partitions",
            member.assignment().topicPartitions().stream().map(TopicPartition::partition).sorted().toList())));
        return Map.of(
            "state", found.groupState().toString(),
            "assignor", found.partitionAssignor(),
            "coordinator", found.coordinator().id(),
            "members", members);
    }
}
