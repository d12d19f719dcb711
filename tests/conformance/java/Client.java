import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * Apache Kafka's Java client, behind the commands that all clients here understand: JSON lines come on the standard input,
 * answers go to the standard output. The commands that only this client has are in AdminCommands.
 */
public final class Client {
    static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");

    private final String bootstrap;
    private final Admin admin;
    private KafkaConsumer<String, String> member;
    private KafkaProducer<String, String> open;
    private final List<Integer> revoked = new ArrayList<>();
    private CompletableFuture<Map<TopicPartition, OffsetAndMetadata>> asynchronous;
    /** What came while only the assignment was asked for. */
    private final List<Object> early = new ArrayList<>();

    private Client(String bootstrap) {
        this.bootstrap = bootstrap;
        this.admin = Admin.create(config());
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Client client = new Client(arguments[0]);
        Map<String, Object> can = new HashMap<>();
        List.of("idempotent", "assign", "admin", "offset_at", "group", "group_admin", "reset", "delete_group", "transact")
            .forEach(what -> can.put(what, true));
        can.put("compression", CODECS);
        out.println(JSON.writeValueAsString(Map.of("can", can, "version", AppInfoParser.getVersion())));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Map<String, Object> answer = new HashMap<>();
            try {
                answer.put("ok", client.act(JSON.readTree(line)));
            } catch (Exception error) {
                // Futures wrap what happened; the driver decides what it means.
                Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
                cause.printStackTrace();
                answer.put("error", cause.getClass().getSimpleName() + ": " + cause.getMessage());
            }
            out.println(JSON.writeValueAsString(answer));
        }
    }

    private Object act(JsonNode command) throws Exception {
        String name = command.get("cmd").asText();
        String topic = command.path("topic").asText(null);
        String group = command.path("group").asText(null);
        switch (name) {
            case "create": return create(command, topic);
            case "delete": return done(admin.deleteTopics(List.of(topic)).all());
            case "topics": return done(admin.listTopics().names()).stream().sorted().toList();
            case "describe": return describe(topic);
            case "produce": return produce(command, topic);
            case "flood": return flood(command, topic);
            case "transact": return transact(command, topic);
            case "begin": return begin(command, topic);
            case "end": return end(command);
            case "transform": return transform(command, group, topic);
            case "read": return read(command, topic);
            case "offsets": return offsets(partition(command));
            case "offset_at": return offsetAt(command);
            case "join": return join(command, group, topic);
            case "poll": return poll(command.get("wait").asDouble());
            case "assigned": return assigned();
            case "take": return take(command.get("count").asInt(), command.get("timeout").asDouble());
            case "commit": member.commitSync(); return null;
            case "commit_async": return commitAsync();
            case "commit_answer": return commitAnswer();
            case "position": return position(partition(command));
            case "seek": member.seek(partition(command), command.get("offset").asLong()); return null;
            case "pause": member.pause(List.of(partition(command))); return null;
            case "resume": member.resume(List.of(partition(command))); return null;
            case "leave": return leave();
            case "committed": return committed(group, topic);
            case "reset": return reset(command, group, topic);
            case "groups": return groups();
            case "describe_group": return describeGroup(group);
            case "delete_group": return done(admin.deleteConsumerGroups(List.of(group)).all());
            default: return new AdminCommands(admin).act(name, command);
        }
    }

    private Properties config() {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        return config;
    }

    static <T> T done(Future<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    private static TopicPartition partition(JsonNode command) {
        return new TopicPartition(command.get("topic").asText(), command.get("partition").asInt());
    }

    private static Map<String, String> strings(JsonNode object) {
        Map<String, String> strings = new TreeMap<>();
        object.properties().forEach(field -> strings.put(field.getKey(), field.getValue().asText()));
        return strings;
    }

    // ---- topics

    private Object create(JsonNode command, String topic) throws Exception {
        NewTopic made = new NewTopic(topic, command.get("partitions").asInt(), (short) command.get("replication").asInt());
        return done(admin.createTopics(List.of(made.configs(strings(command.path("configs"))))).all());
    }

    private Object describe(String topic) throws Exception {
        TopicDescription description = done(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic);
        return description.partitions().stream().map(partition -> Map.of(
            "partition", partition.partition(),
            "leader", partition.leader() == null ? -1 : partition.leader().id(),
            "replicas", ids(partition.replicas()),
            "isr", ids(partition.isr()))).toList();
    }

    private static List<Integer> ids(List<Node> nodes) {
        return nodes.stream().map(Node::id).sorted().toList();
    }

    // ---- records

    private Producer<String, String> producer(JsonNode command) {
        Properties config = config();
        config.put("acks", command.get("acks").asText());
        config.put("compression.type", command.get("compression").asText());
        config.put("enable.idempotence", command.get("idempotent").asBoolean());
        config.put("linger.ms", 5);
        config.put("batch.size", command.path("batch").asInt(16384));
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    private Object produce(JsonNode command, String topic) throws Exception {
        int partition = command.get("partition").asInt();
        JsonNode timestamp = command.path("timestamp");
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (Producer<String, String> producer = producer(command)) {
            int at = 0;
            for (JsonNode value : command.get("values")) {
                Long time = timestamp.isNumber() ? Long.valueOf(timestamp.asLong() + at) : null;
                // In the odd record without a value, and in its key, there is null.
                String key = value.isNull() ? null : "k" + at;
                ProducerRecord<String, String> record =
                    new ProducerRecord<>(topic, partition, time, key, value.isNull() ? null : value.asText());
                strings(command.path("headers")).forEach(
                    (name, text) -> record.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
                sent.add(producer.send(record));
                at++;
            }
        }
        for (Future<RecordMetadata> one : sent) {
            done(one);
        }
        return null;
    }

    /** Many records, number n with the key n % keys to the partition that Java's hash says. Gives how many went where. */
    private Object flood(JsonNode command, String topic) throws Exception {
        Map<Integer, Integer> counts = new TreeMap<>();
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (Producer<String, String> producer = producer(command)) {
            for (int number = 0; number < command.get("count").asInt(); number++) {
                String key = String.valueOf(number % command.get("keys").asInt());
                sent.add(producer.send(new ProducerRecord<>(topic, key, String.valueOf(number))));
            }
        }
        for (Future<RecordMetadata> one : sent) {
            counts.merge(done(one).partition(), 1, Integer::sum);
        }
        return counts;
    }

    // ---- transactions

    private KafkaProducer<String, String> transactional(String id) {
        Properties config = config();
        config.put("transactional.id", id);
        KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
        producer.initTransactions();
        return producer;
    }

    /** Each round, its values and whether it is committed, in a transaction over two partitions. */
    private Object transact(JsonNode command, String topic) {
        try (KafkaProducer<String, String> producer = transactional(command.get("id").asText())) {
            for (JsonNode round : command.get("rounds")) {
                producer.beginTransaction();
                int at = 0;
                for (JsonNode value : round.get(0)) {
                    producer.send(new ProducerRecord<>(topic, at % 2, "k" + at, value.asText()));
                    at++;
                }
                if (round.get(1).asBoolean()) {
                    producer.commitTransaction();
                } else {
                    producer.flush();
                    producer.abortTransaction();
                }
            }
        }
        return null;
    }

    /** Begins a transaction with these values in partition 0, and leaves it open. */
    private Object begin(JsonNode command, String topic) throws Exception {
        open = transactional(command.get("id").asText());
        open.beginTransaction();
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (JsonNode value : command.get("values")) {
            sent.add(open.send(new ProducerRecord<>(topic, 0, null, value.asText())));
        }
        for (Future<RecordMetadata> one : sent) {
            done(one);
        }
        return null;
    }

    /** Ends what `begin` has begun. */
    private Object end(JsonNode command) {
        try {
            if (command.get("commit").asBoolean()) {
                open.commitTransaction();
            } else {
                open.abortTransaction();
            }
        } finally {
            open.close(Duration.ZERO);
        }
        return null;
    }

    /**
     * Reads a topic as a member of a group, and writes what it read to another in transactions that commit its offsets too;
     * every third it aborts, and does again. Gives how many transactions it committed and aborted.
     */
    private Object transform(JsonNode command, String group, String topic) {
        int count = command.get("count").asInt(), read = 0, committed = 0, aborted = 0;
        Properties config = config();
        config.put("group.id", group);
        config.put("enable.auto.commit", false);
        config.put("auto.offset.reset", "earliest");
        config.put("isolation.level", "read_committed");
        config.put("max.poll.records", 7);
        try (KafkaProducer<String, String> producer = transactional(command.get("id").asText());
             KafkaConsumer<String, String> consumer =
                 new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            while (read < count) {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
                if (records.isEmpty()) {
                    continue;
                }
                producer.beginTransaction();
                for (ConsumerRecord<String, String> record : records) {
                    producer.send(new ProducerRecord<>(command.get("to").asText(), 0, record.key(), record.value()));
                }
                producer.sendOffsetsToTransaction(records.nextOffsets(), consumer.groupMetadata());
                if ((committed + aborted) % 3 == 2) {
                    producer.abortTransaction();
                    aborted++;
                    for (TopicPartition partition : records.partitions()) {
                        consumer.seek(partition, records.records(partition).get(0).offset());
                    }
                } else {
                    producer.commitTransaction();
                    committed++;
                    read += records.count();
                }
            }
        }
        return List.of(committed, aborted);
    }

    private KafkaConsumer<String, String> reader() {
        Properties config = config();
        config.put("isolation.level", "read_committed");
        config.put("enable.auto.commit", false);
        config.put("auto.offset.reset", "none");
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    private Object read(JsonNode command, String topic) {
        TopicPartition partition = partition(command);
        try (Consumer<String, String> reader = reader()) {
            reader.assign(List.of(partition));
            reader.seek(partition, command.get("offset").asLong());
            return collect(reader, command.get("count").asInt(), 20);
        }
    }

    private static List<Object> collect(Consumer<String, String> consumer, int count, double seconds) {
        List<Object> records = new ArrayList<>();
        long end = System.nanoTime() + (long) (seconds * 1e9);
        while (records.size() < count && System.nanoTime() < end) {
            plain(consumer.poll(Duration.ofMillis(200)), records);
        }
        return records;
    }

    private static void plain(ConsumerRecords<String, String> from, List<Object> into) {
        for (ConsumerRecord<String, String> record : from) {
            Map<String, Object> plain = new HashMap<>();
            plain.put("partition", record.partition());
            plain.put("offset", record.offset());
            plain.put("key", record.key());
            plain.put("value", record.value());
            plain.put("timestamp", record.timestamp());
            Map<String, String> headers = new TreeMap<>();
            for (Header header : record.headers()) {
                headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
            }
            plain.put("headers", headers);
            into.add(plain);
        }
    }

    private Object offsets(TopicPartition partition) {
        try (Consumer<String, String> reader = reader()) {
            long begin = reader.beginningOffsets(List.of(partition)).get(partition);
            return List.of(begin, reader.endOffsets(List.of(partition)).get(partition));
        }
    }

    private Object offsetAt(JsonNode command) {
        TopicPartition partition = partition(command);
        try (Consumer<String, String> reader = reader()) {
            OffsetAndTimestamp found = reader.offsetsForTimes(Map.of(partition, command.get("time").asLong())).get(partition);
            return found == null ? null : found.offset();
        }
    }

    // ---- groups

    private Object join(JsonNode command, String group, String topic) {
        Properties config = config();
        config.put("group.id", group);
        config.put("enable.auto.commit", false);
        config.put("auto.offset.reset", "earliest");
        config.put("session.timeout.ms", command.path("session").asInt(6000));
        config.put("heartbeat.interval.ms", 500);
        config.put("max.poll.records", 500);
        if (command.has("assignor")) {
            String assignor = "org.apache.kafka.clients.consumer." + command.get("assignor").asText();
            config.put("partition.assignment.strategy", assignor);
        }
        if (command.has("instance")) {
            config.put("group.instance.id", command.get("instance").asText());
        }
        member = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
        boolean handOver = command.path("hand_over").asBoolean();
        member.subscribe(List.of(topic), new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                partitions.forEach(partition -> revoked.add(partition.partition()));
                if (handOver) {
                    // What was polled has been given to the driver: the next owner goes on after it.
                    member.commitSync();
                }
            }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            }
        });
        return null;
    }

    /** Polls once. Gives the records, what is owned after it, what was revoked since the last time, and the generation. */
    private Object poll(double seconds) {
        List<Object> records = new ArrayList<>();
        plain(member.poll(Duration.ofMillis((long) (seconds * 1000))), records);
        List<Integer> gone = List.copyOf(revoked);
        revoked.clear();
        return Map.of("records", records, "owned", owned(), "revoked", gone,
            "generation", member.groupMetadata().generationId(), "member", member.groupMetadata().memberId());
    }

    private List<Integer> owned() {
        return member.assignment().stream().map(TopicPartition::partition).sorted().toList();
    }

    private Object assigned() {
        plain(member.poll(Duration.ofMillis(100)), early);
        return owned();
    }

    private Object take(int count, double seconds) {
        List<Object> records = new ArrayList<>(early);
        early.clear();
        records.addAll(collect(member, count - records.size(), seconds));
        return records;
    }

    private Object commitAsync() {
        CompletableFuture<Map<TopicPartition, OffsetAndMetadata>> answer = new CompletableFuture<>();
        member.commitAsync((offsets, error) -> {
            if (error == null) {
                answer.complete(offsets);
            } else {
                answer.completeExceptionally(error);
            }
        });
        asynchronous = answer;
        return null;
    }

    /** What commitAsync came to, or null while it is on its way. Callbacks are called by polls. */
    private Object commitAnswer() throws Exception {
        member.pause(member.assignment());
        member.poll(Duration.ofMillis(50));
        member.resume(member.assignment());
        if (!asynchronous.isDone()) {
            return null;
        }
        return plain(asynchronous.get(), null);
    }

    private Object position(TopicPartition partition) {
        OffsetAndMetadata committed = member.committed(java.util.Set.of(partition)).get(partition);
        Map<String, Object> answer = new HashMap<>();
        answer.put("position", member.position(partition));
        answer.put("committed", committed == null ? null : committed.offset());
        return answer;
    }

    private Object leave() {
        member.close();
        early.clear();
        return null;
    }

    private static Map<Integer, Long> plain(Map<TopicPartition, OffsetAndMetadata> offsets, String topic) {
        Map<Integer, Long> plain = new TreeMap<>();
        offsets.forEach((partition, offset) -> {
            if (topic == null || partition.topic().equals(topic)) {
                plain.put(partition.partition(), offset.offset());
            }
        });
        return plain;
    }

    private Object committed(String group, String topic) throws Exception {
        return plain(done(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata()), topic);
    }

    private Object reset(JsonNode command, String group, String topic) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        strings(command.get("offsets")).forEach((partition, offset) -> offsets.put(
            new TopicPartition(topic, Integer.parseInt(partition)), new OffsetAndMetadata(Long.parseLong(offset))));
        return done(admin.alterConsumerGroupOffsets(group, offsets).all());
    }

    private Object groups() throws Exception {
        return done(admin.listGroups(ListGroupsOptions.forConsumerGroups()).all()).stream()
            .map(GroupListing::groupId).sorted().toList();
    }

    private Object describeGroup(String group) throws Exception {
        var found = done(admin.describeConsumerGroups(List.of(group)).all()).get(group);
        return Map.of("state", found.groupState().name().toLowerCase().replace("_", ""), "members", found.members().size());
    }
}
