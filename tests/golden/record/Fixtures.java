// Fills topics for tests/fixtures, and asks Apache Kafka about configurations and about errors.
// Java 17: java -cp 'LIB/*' Fixtures.java BOOTSTRAP fill | configs | errors

import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.protocol.Errors;

public class Fixtures {
    static final long BEGIN = 1_700_000_000_000L;
    static Admin admin;
    static String bootstrap;

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        try (Admin client = Admin.create(Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", "4000", "request.timeout.ms", "4000"))) {
            admin = client;
            switch (args[1]) {
                case "fill" -> fill();
                case "configs" -> configs();
                case "errors" -> errors();
            }
        }
    }

    static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    static Properties producer(String compression) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        p.put("compression.type", compression);
        p.put("linger.ms", "60000");
        p.put("batch.size", "16384");
        p.put("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        p.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        return p;
    }

    static void create(String topic, Map<String, String> configs) throws Exception {
        Map<String, String> all = new HashMap<>(Map.of("segment.ms", "600000", "index.interval.bytes", "512"));
        all.putAll(configs);
        admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(all))).all().get();
    }

    /** Every tenth batch jumps by more than segment.ms, so that the log rolls. */
    static void fill() throws Exception {
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            create(codec, Map.of());
            try (Producer<byte[], byte[]> producer = new KafkaProducer<>(producer(codec))) {
                for (int i = 0; i < 200; i++) {
                    long timestamp = BEGIN + (i / 70) * 3_600_000L + i * 1_000L - (i % 7 == 3 ? 2_500 : 0);
                    producer.send(record(codec, i, timestamp));
                    if (i % 10 == 9) producer.flush();
                }
            }
        }
        create("log-append-time", Map.of("message.timestamp.type", "LogAppendTime"));
        try (Producer<byte[], byte[]> producer = new KafkaProducer<>(producer("none"))) {
            for (int i = 0; i < 20; i++) {
                producer.send(record("log-append-time", i, BEGIN + i));
                if (i % 5 == 4) producer.flush();
            }
        }
        create("transactions", Map.of());
        Properties p = producer("none");
        p.put("transactional.id", "payments");
        try (Producer<byte[], byte[]> producer = new KafkaProducer<>(p)) {
            producer.initTransactions();
            for (int t = 0; t < 4; t++) {
                producer.beginTransaction();
                for (int i = 0; i < 3; i++) producer.send(record("transactions", t * 3 + i, BEGIN + t * 3 + i));
                producer.flush();
                if (t % 2 == 0) producer.commitTransaction();
                else producer.abortTransaction();
            }
        }
    }

    static ProducerRecord<byte[], byte[]> record(String topic, int i, long timestamp) {
        byte[] key = i % 5 == 0 ? null : bytes("고객-" + i % 17);
        byte[] value = switch (i % 9) {
            case 1 -> null;
            case 4 -> bytes("");
            case 6 -> new byte[] {(byte) 0xff, 0, 'x', (byte) 0xea, (byte) 0xb0};
            default -> bytes("{\"주문\":" + i + ",\"품목\":\"" + "사과".repeat(i % 4 + 1) + "\",\"note\":\"line " + i + "\"}");
        };
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, 0, timestamp, key, value);
        if (i % 3 == 0) record.headers().add("trace", bytes("t" + i)).add("trace", null).add("이름", bytes("값"));
        if (i % 8 == 7) record.headers().add("", bytes(""));
        return record;
    }

    static String json(Object value) {
        if (value == null) return "null";
        if (value instanceof Boolean || value instanceof Number) return value.toString();
        StringBuilder out = new StringBuilder("\"");
        for (char c : value.toString().toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c == '\n') out.append("\\n");
            else if (c == '\t') out.append("\\t");
            else out.append(c);
        }
        return out.append('"').toString();
    }

    static void configs() throws Exception {
        admin.createTopics(List.of(new NewTopic("fresh", 1, (short) 1))).all().get();
        StringBuilder out = new StringBuilder("{\n");
        String separator = "";
        for (var resource : List.of(new ConfigResource(ConfigResource.Type.TOPIC, "fresh"),
                new ConfigResource(ConfigResource.Type.BROKER, "1"))) {
            var config = admin.describeConfigs(List.of(resource),
                new DescribeConfigsOptions().includeSynonyms(true)).all().get().get(resource);
            out.append(separator).append("  ").append(json(resource.type().name().toLowerCase())).append(": [\n");
            List<String> lines = new ArrayList<>();
            for (ConfigEntry e : new TreeMap<>(toMap(config)).values()) {
                List<String> synonyms = new ArrayList<>();
                for (var s : e.synonyms())
                    synonyms.add("{\"name\": " + json(s.name()) + ", \"value\": " + json(s.value()) + ", \"source\": "
                        + json(s.source().name()) + "}");
                lines.add("    {\"name\": " + json(e.name()) + ", \"value\": " + json(e.value()) + ", \"type\": "
                    + json(e.type().name()) + ", \"source\": " + json(e.source().name()) + ", \"readOnly\": "
                    + e.isReadOnly() + ", \"sensitive\": " + e.isSensitive() + ", \"synonyms\": ["
                    + String.join(", ", synonyms) + "]}");
            }
            out.append(String.join(",\n", lines)).append("\n  ]");
            separator = ",\n";
        }
        System.out.println(out.append("\n}"));
    }

    static Map<String, ConfigEntry> toMap(Config config) {
        Map<String, ConfigEntry> map = new HashMap<>();
        config.entries().forEach(e -> map.put(e.name(), e));
        return map;
    }

    static final List<String> LINES = new ArrayList<>();

    interface Call {
        void run() throws Exception;
    }

    static void note(String api, String input, Call call) throws Exception {
        String name = "NONE", message = null;
        int code = 0;
        try {
            call.run();
        } catch (ExecutionException e) {
            Errors error = Errors.forException(e.getCause());
            code = error.code();
            name = error.name();
            message = e.getCause().getMessage();
        } catch (ApiException e) {
            Errors error = Errors.forException(e);
            code = error.code();
            name = error.name();
            message = e.getMessage();
        }
        LINES.add("  {\"api\": " + json(api) + ", \"input\": " + json(input) + ", \"code\": " + code + ", \"error\": "
            + json(name) + ", \"message\": " + json(message) + "}");
    }

    static void createError(String input, NewTopic topic) throws Exception {
        note("CreateTopics", input, () -> admin.createTopics(List.of(topic),
            new CreateTopicsOptions().validateOnly(true)).all().get());
    }

    static void errors() throws Exception {
        admin.createTopics(List.of(new NewTopic("orders", 3, (short) 1), new NewTopic("a.b", 1, (short) 1))).all().get();
        Thread.sleep(500);
        short one = 1;
        createError("exists", new NewTopic("orders", 1, one));
        createError("name ''", new NewTopic("", 1, one));
        createError("name '.'", new NewTopic(".", 1, one));
        createError("name '..'", new NewTopic("..", 1, one));
        createError("name 'two words'", new NewTopic("two words", 1, one));
        createError("name '주문'", new NewTopic("주문", 1, one));
        createError("name of 250 a", new NewTopic("a".repeat(250), 1, one));
        createError("name 'a_b' with a.b there", new NewTopic("a_b", 1, one));
        createError("name '__cluster_metadata'", new NewTopic("__cluster_metadata", 1, one));
        createError("partitions 0", new NewTopic("new", 0, one));
        createError("partitions -2", new NewTopic("new", -2, one));
        createError("partitions 10001", new NewTopic("new", 10001, one));
        createError("replication factor 0", new NewTopic("new", 1, (short) 0));
        createError("replication factor -2", new NewTopic("new", 1, (short) -2));
        createError("replication factor 2", new NewTopic("new", 1, (short) 2));
        createError("assignment {0:[1,1]}", new NewTopic("new", Map.of(0, List.of(1, 1))));
        createError("assignment {0:[7]}", new NewTopic("new", Map.of(0, List.of(7))));
        createError("assignment {0:[]}", new NewTopic("new", Map.of(0, List.of())));
        createError("assignment {1:[1]}", new NewTopic("new", Map.of(1, List.of(1))));
        createError("assignment {0:[1],1:[1,2]}", new NewTopic("new", new TreeMap<>(Map.of(0, List.of(1), 1, List.of(1, 2)))));
        for (String[] config : new String[][] {
            {"no.such.config", "1"}, {"segment.bytes", "many"}, {"segment.bytes", "1"}, {"segment.bytes", ""},
            {"segment.ms", "0"}, {"segment.jitter.ms", "-1"}, {"segment.index.bytes", "3"}, {"cleanup.policy", "shred"},
            {"cleanup.policy", ""}, {"cleanup.policy", "delete,shred"}, {"compression.type", "brotli"},
            {"compression.gzip.level", "17"}, {"compression.lz4.level", "0"}, {"compression.zstd.level", "99"},
            {"message.timestamp.type", "Never"}, {"min.insync.replicas", "0"}, {"min.cleanable.dirty.ratio", "2"},
            {"min.cleanable.dirty.ratio", "half"}, {"retention.ms", "-2"}, {"retention.bytes", "x"}, {"preallocate", "maybe"},
            {"unclean.leader.election.enable", "yes"}, {"index.interval.bytes", "-1"}, {"max.message.bytes", "-1"},
            {"flush.messages", "0"}, {"flush.ms", "-1"}, {"file.delete.delay.ms", "-1"}, {"delete.retention.ms", "-1"},
            {"min.compaction.lag.ms", "-1"}, {"max.compaction.lag.ms", "0"}, {"message.timestamp.before.max.ms", "-1"},
            {"message.timestamp.after.max.ms", "-1"}, {"remote.storage.enable", "true"}, {"local.retention.ms", "-3"}}) {
            createError("config " + config[0] + "=" + config[1],
                new NewTopic("new", 1, one).configs(Map.of(config[0], config[1])));
            alterError("set " + config[0] + "=" + config[1], "orders",
                new AlterConfigOp(new ConfigEntry(config[0], config[1]), AlterConfigOp.OpType.SET));
        }
        createError("config min.compaction.lag.ms=9 max.compaction.lag.ms=3", new NewTopic("new", 1, one)
            .configs(new TreeMap<>(Map.of("min.compaction.lag.ms", "9", "max.compaction.lag.ms", "3"))));
        alterError("delete no.such.config", "orders",
            new AlterConfigOp(new ConfigEntry("no.such.config", null), AlterConfigOp.OpType.DELETE));
        alterError("set segment.bytes=null", "orders",
            new AlterConfigOp(new ConfigEntry("segment.bytes", null), AlterConfigOp.OpType.SET));
        alterError("append segment.bytes=1", "orders",
            new AlterConfigOp(new ConfigEntry("segment.bytes", "1"), AlterConfigOp.OpType.APPEND));
        alterError("append cleanup.policy=compact", "orders",
            new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND));
        alterError("subtract cleanup.policy=compact", "orders",
            new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.SUBTRACT));
        alterError("unknown topic, set retention.ms=1", "nosuch",
            new AlterConfigOp(new ConfigEntry("retention.ms", "1"), AlterConfigOp.OpType.SET));
        alterError("topic '', set retention.ms=1", "",
            new AlterConfigOp(new ConfigEntry("retention.ms", "1"), AlterConfigOp.OpType.SET));
        note("IncrementalAlterConfigs", "retention.ms twice", () -> admin.incrementalAlterConfigs(Map.of(
            new ConfigResource(ConfigResource.Type.TOPIC, "orders"),
            List.of(new AlterConfigOp(new ConfigEntry("retention.ms", "1"), AlterConfigOp.OpType.SET),
                new AlterConfigOp(new ConfigEntry("retention.ms", "2"), AlterConfigOp.OpType.SET)))).all().get());
        note("DescribeConfigs", "unknown topic", () -> admin.describeConfigs(
            List.of(new ConfigResource(ConfigResource.Type.TOPIC, "nosuch"))).all().get());
        note("DescribeConfigs", "topic 'two words'", () -> admin.describeConfigs(
            List.of(new ConfigResource(ConfigResource.Type.TOPIC, "two words"))).all().get());
        partitionsError("same", "orders", NewPartitions.increaseTo(3));
        partitionsError("fewer", "orders", NewPartitions.increaseTo(2));
        partitionsError("0", "orders", NewPartitions.increaseTo(0));
        partitionsError("-1", "orders", NewPartitions.increaseTo(-1));
        partitionsError("10005", "orders", NewPartitions.increaseTo(10005));
        partitionsError("4 with 2 assignments", "orders", NewPartitions.increaseTo(4, List.of(List.of(1), List.of(1))));
        partitionsError("5 with 1 assignment", "orders", NewPartitions.increaseTo(5, List.of(List.of(1))));
        partitionsError("4 with assignment [7]", "orders", NewPartitions.increaseTo(4, List.of(List.of(7))));
        partitionsError("4 with assignment [1,1]", "orders", NewPartitions.increaseTo(4, List.of(List.of(1, 1))));
        partitionsError("4 with assignment []", "orders", NewPartitions.increaseTo(4, List.of(List.of())));
        partitionsError("unknown topic", "nosuch", NewPartitions.increaseTo(4));
        note("DeleteTopics", "unknown topic", () -> admin.deleteTopics(List.of("nosuch")).all().get());
        note("DeleteTopics", "name ''", () -> admin.deleteTopics(List.of("")).all().get());
        note("DeleteTopics", "name 'two words'", () -> admin.deleteTopics(List.of("two words")).all().get());
        note("DeleteTopics", "unknown id", () -> admin.deleteTopics(
            TopicCollection.ofTopicIds(List.of(Uuid.fromString("MkU3OEVBNTcwNTJENDM2Qg")))).all().get());
        recordsError("beyond the end", "orders", 9);
        recordsError("-2", "orders", -2);
        note("ListOffsets", "unknown topic (retried until the call timed out)", () -> admin.listOffsets(
            Map.of(new TopicPartition("nosuch", 0), OffsetSpec.latest())).all().get());
        System.out.println("[\n" + String.join(",\n", LINES) + "\n]");
    }

    static void alterError(String input, String topic, AlterConfigOp op) throws Exception {
        note("IncrementalAlterConfigs", input, () -> admin.incrementalAlterConfigs(
            Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic), List.of(op)),
            new AlterConfigsOptions().validateOnly(true)).all().get());
    }

    static void partitionsError(String input, String topic, NewPartitions partitions) throws Exception {
        note("CreatePartitions", input, () -> admin.createPartitions(Map.of(topic, partitions),
            new CreatePartitionsOptions().validateOnly(true)).all().get());
    }

    static void recordsError(String input, String topic, long offset) throws Exception {
        note("DeleteRecords", input, () -> admin.deleteRecords(
            Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(offset))).all().get());
    }
}
