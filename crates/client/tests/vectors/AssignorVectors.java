// Prints what Apache Kafka's assignors give for random groups; assignors.txt beside this file is its output.
//
//   mvn dependency:copy -Dartifact=org.apache.kafka:kafka-clients:4.3.1 -DoutputDirectory=jars
//   mvn dependency:copy -Dartifact=org.slf4j:slf4j-api:1.7.36 -DoutputDirectory=jars
//   java -cp 'jars/*' AssignorVectors.java > assignors.txt
//
// case ASSIGNOR             a new assignor; the rounds of a case are given to the same one
// topic NAME RACKS          one word a partition: the racks of its replicas with commas between, "-" for none;
//                           "*5" for five partitions without racks
// member ID INSTANCE RACK GENERATION TOPICS OWNED DATA
//                           what JoinGroup says of it; "-" for nothing, DATA in hexadecimal
// = ID PARTITIONS           what it gets, in this order
// ! EXCEPTION               what Java throws instead
// data GENERATION PARTITIONS DATA
//                           what a sticky assignor adds to the next subscription after this assignment

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.*;
import org.apache.kafka.common.*;

public class AssignorVectors {
    static final int CASES = 210;
    static final String[] RACKS = {"e", "n", "w", "s"};
    static final String[] TOPICS = {"orders", "payments", "a", "b", "clicks.raw", "audit_log", "T-1", "stock", "zz"};

    final Random random;
    final StringBuilder out = new StringBuilder();
    final Set<String> ids = new HashSet<>();
    boolean strange;

    AssignorVectors(long seed) {
        random = new Random(seed);
    }

    static class Member {
        String id;
        String instance;
        String rack;
        List<String> topics = new ArrayList<>();
        /** What it got, and in which generation. */
        List<TopicPartition> owned = new ArrayList<>();
        int generation = -1;
        /** What it got a round before. */
        List<TopicPartition> before = new ArrayList<>();
        StickyAssignor memory = new StickyAssignor();
    }

    boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    <T> T pick(List<T> from) {
        return from.get(random.nextInt(from.size()));
    }

    String fresh() {
        String id = switch (random.nextInt(6)) {
            case 0 -> "c" + random.nextInt(1000);
            case 1 -> "consumer-" + random.nextInt(100);
            case 2 -> Integer.toHexString(random.nextInt());
            case 3 -> "w-" + (char) ('a' + random.nextInt(26)) + (char) ('A' + random.nextInt(26));
            default -> "m" + Integer.toHexString(random.nextInt(1 << 20));
        };
        // Java's order of texts is that of their UTF-16 units.
        return strange && chance(70) ? (chance(50) ? "\uFF21" : "\uD83D\uDE00") + id : id;
    }

    static String partitions(List<TopicPartition> list) {
        if (list.isEmpty()) return "-";
        StringBuilder text = new StringBuilder();
        String topic = null;
        for (TopicPartition one : list) {
            if (one.topic().equals(topic)) text.append(',');
            else text.append(text.isEmpty() ? "" : ";").append(one.topic()).append(':');
            text.append(one.partition());
            topic = one.topic();
        }
        return text.toString();
    }

    static String hex(byte[] bytes) {
        return bytes == null ? "-" : "x" + HexFormat.of().formatHex(bytes);
    }

    static byte[] bytes(ByteBuffer buffer) {
        if (buffer == null) return null;
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    /** The first version of the sticky assignor's data, which has no generation. */
    static byte[] withoutGeneration(List<TopicPartition> partitions) {
        Map<String, List<Integer>> topics = new TreeMap<>();
        partitions.forEach(one -> topics.computeIfAbsent(one.topic(), any -> new ArrayList<>()).add(one.partition()));
        ByteBuffer buffer = ByteBuffer.allocate(10_000).putInt(topics.size());
        topics.forEach((topic, numbers) -> {
            byte[] name = topic.getBytes(StandardCharsets.UTF_8);
            buffer.putShort((short) name.length).put(name).putInt(numbers.size());
            numbers.forEach(buffer::putInt);
        });
        return bytes(buffer.flip());
    }

    static ConsumerPartitionAssignor assignor(String name) {
        return switch (name) {
            case "range" -> new RangeAssignor();
            case "roundrobin" -> new RoundRobinAssignor();
            case "sticky" -> new StickyAssignor();
            default -> new CooperativeStickyAssignor();
        };
    }

    List<Set<String>> partitionRacks(int count, boolean racks, boolean everywhere) {
        List<Set<String>> partitions = new ArrayList<>();
        for (int i = 0; i < count; i++) partitions.add(racksOfOne(racks, everywhere));
        return partitions;
    }

    Set<String> racksOfOne(boolean racks, boolean everywhere) {
        Set<String> of = new TreeSet<>();
        if (!racks) return of;
        if (everywhere) {
            of.addAll(List.of(RACKS));
            return of;
        }
        int replicas = 1 + random.nextInt(3);
        for (int i = 0; i < replicas; i++)
            if (!chance(5)) of.add(RACKS[random.nextInt(RACKS.length)]);
        return of;
    }

    List<String> someTopics(List<String> all) {
        List<String> some = new ArrayList<>();
        for (String topic : all) if (chance(60)) some.add(topic);
        if (some.isEmpty() && !chance(5)) some.add(pick(all));
        return some;
    }

    static Cluster cluster(Map<String, List<Set<String>>> topics) {
        List<PartitionInfo> infos = new ArrayList<>();
        Map<String, Node> nodes = new TreeMap<>();
        int next = 0;
        for (String rack : RACKS) nodes.put(rack, new Node(next, "host", 9092 + next++, rack));
        Node bare = new Node(99, "host", 9092, null);
        topics.forEach((topic, partitions) -> {
            for (int i = 0; i < partitions.size(); i++) {
                List<Node> replicas = new ArrayList<>();
                partitions.get(i).forEach(rack -> replicas.add(nodes.get(rack)));
                if (replicas.isEmpty()) replicas.add(bare);
                Node[] array = replicas.toArray(new Node[0]);
                infos.add(new PartitionInfo(topic, i, array[0], array, array));
            }
        });
        List<Node> all = new ArrayList<>(nodes.values());
        all.add(bare);
        return new Cluster("cluster", all, infos, Set.of(), Set.of());
    }

    void oneCase(String name) {
        out.append("case ").append(name).append('\n');
        ids.clear();
        strange = chance(6);
        ConsumerPartitionAssignor assignor = assignor(name);
        boolean racks = chance(40), everywhere = chance(15), equal = chance(50), quiet = chance(60), odd = chance(20);
        Map<String, List<Set<String>>> topics = new TreeMap<>();
        List<String> names = new ArrayList<>(List.of(TOPICS));
        Collections.shuffle(names, random);
        names = new ArrayList<>(names.subList(0, 1 + random.nextInt(chance(20) ? 7 : 4)));
        int most = chance(15) ? 30 : 8;
        for (String topic : names)
            if (!chance(3)) topics.put(topic, partitionRacks(1 + random.nextInt(most), racks, everywhere));
        List<Member> members = new ArrayList<>();
        int count = chance(6) ? 13 + random.nextInt(14) : 1 + random.nextInt(7);
        for (int i = 0; i < count; i++) members.add(newMember(names, equal, racks));
        int rounds = name.equals("range") || name.equals("roundrobin") ? 1 + random.nextInt(2) : 2 + random.nextInt(3);
        int generation = random.nextInt(5);
        for (int round = 0; round < rounds; round++) {
            generation++;
            // The group was forgotten and began anew; its leader remembers.
            if (odd && round > 1 && chance(40)) for (Member member : members) member.generation = generation = 0;
            if (round > 0) change(topics, names, members, equal, racks, everywhere, odd);
            oneRound(name, assignor, topics, members, generation, quiet, odd);
        }
    }

    Member newMember(List<String> names, boolean equal, boolean racks) {
        Member member = new Member();
        do member.id = fresh(); while (!ids.add(member.id));
        if (chance(25)) member.instance = "i" + random.nextInt(100_000);
        if (racks && chance(85)) member.rack = chance(5) ? "x" : RACKS[random.nextInt(RACKS.length)];
        member.topics = equal ? new ArrayList<>(names) : someTopics(names);
        return member;
    }

    void change(Map<String, List<Set<String>>> topics, List<String> names, List<Member> members,
                boolean equal, boolean racks, boolean everywhere, boolean odd) {
        if (chance(45)) members.add(random.nextInt(members.size() + 1), newMember(names, equal, racks));
        if (chance(15)) members.add(random.nextInt(members.size() + 1), newMember(names, equal, racks));
        if (chance(45) && members.size() > 1) members.remove(random.nextInt(members.size()));
        if (chance(15) && members.size() > 2) members.remove(random.nextInt(members.size()));
        for (Member member : members) if (!equal && chance(15)) member.topics = someTopics(names);
        if (chance(20)) {
            String topic = pick(names);
            List<Set<String>> partitions = topics.computeIfAbsent(topic, any -> new ArrayList<>());
            for (int more = 1 + random.nextInt(3); more > 0; more--) partitions.add(racksOfOne(racks, everywhere));
        }
        if (chance(5) && topics.size() > 1) topics.remove(pick(new ArrayList<>(topics.keySet())));
        // A topic that was deleted and created again is smaller, or is not known yet.
        if (odd && chance(35) && !topics.isEmpty()) {
            List<Set<String>> partitions = topics.get(pick(new ArrayList<>(topics.keySet())));
            if (partitions.size() > 1) partitions.remove(partitions.size() - 1);
        }
        if (chance(20)) Collections.shuffle(members, random);
    }

    void oneRound(String name, ConsumerPartitionAssignor assignor, Map<String, List<Set<String>>> topics,
                  List<Member> members, int generation, boolean quiet, boolean odd) {
        topics.forEach((topic, partitions) -> {
            out.append("topic ").append(topic);
            if (partitions.stream().allMatch(Set::isEmpty)) out.append(" *").append(partitions.size());
            else partitions.forEach(of -> out.append(' ').append(of.isEmpty() ? "-" : String.join(",", of)));
            out.append('\n');
        });
        Map<String, Subscription> subscriptions = new HashMap<>();
        for (Member member : members) subscriptions.put(member.id, subscription(name, member, members, quiet, odd));
        Map<String, Assignment> given = null;
        try {
            given = assignor.assign(cluster(topics), new GroupSubscription(subscriptions)).groupAssignment();
        } catch (RuntimeException exception) {
            out.append("! ").append(exception.getClass().getSimpleName()).append('\n');
        }
        if (given == null) return;
        for (Member member : members) {
            Assignment assignment = given.get(member.id);
            out.append("= ").append(member.id).append(' ').append(partitions(assignment.partitions())).append('\n');
            if (!quiet && chance(10)) continue; // It missed this generation.
            member.before = member.owned;
            member.owned = new ArrayList<>(assignment.partitions());
            member.generation = generation;
            var metadata = new ConsumerGroupMetadata("group", generation, member.id, Optional.ofNullable(member.instance));
            member.memory.onAssignment(assignment, metadata);
            if (name.equals("sticky") && chance(6)) {
                out.append("data ").append(generation).append(' ').append(partitions(member.owned)).append(' ');
                out.append(hex(bytes(member.memory.subscriptionUserData(Set.of())))).append('\n');
            }
        }
    }

    Subscription subscription(String name, Member member, List<Member> members, boolean quiet, boolean odd) {
        List<TopicPartition> owned = new ArrayList<>(member.owned);
        int generation = member.generation;
        if (!quiet) {
            if (chance(12)) owned = new ArrayList<>(member.before);
            if (chance(12)) generation = Math.max(-1, generation - 1 - random.nextInt(2));
            if (chance(12)) for (TopicPartition one : pick(members).owned) if (!owned.contains(one) && chance(60)) owned.add(one);
            if (odd && chance(4)) owned.add(new TopicPartition("gone", random.nextInt(3)));
            if (odd && chance(4) && !owned.isEmpty()) owned.add(pick(owned));
        }
        List<String> topics = new ArrayList<>(member.topics);
        if (odd && chance(2) && !topics.isEmpty()) topics.add(topics.get(0));
        byte[] data = null;
        int said = generation;
        List<TopicPartition> saidOwned = owned;
        if (name.equals("sticky")) {
            saidOwned = List.of();
            StickyAssignor memory = new StickyAssignor();
            if (generation >= 0 || !owned.isEmpty()) {
                memory.onAssignment(new Assignment(owned), new ConsumerGroupMetadata("group", generation, member.id, Optional.empty()));
                data = bytes(memory.subscriptionUserData(Set.of()));
            }
            if (!quiet && chance(15)) said = -1;
            if (!quiet && chance(6)) data = withoutGeneration(owned);
            if (!quiet && chance(4)) data = broken(data);
        } else if (name.equals("cooperative-sticky")) {
            data = ByteBuffer.allocate(4).putInt(generation).array();
            // Members that do not say their generation beside the topics yet.
            if (!quiet && chance(20)) said = -1;
            if (!quiet && chance(5)) data = chance(50) ? null : broken(data);
        } else {
            saidOwned = List.of();
        }
        out.append("member ").append(member.id).append(' ').append(member.instance == null ? "-" : member.instance);
        out.append(' ').append(member.rack == null ? "-" : member.rack).append(' ').append(said);
        out.append(' ').append(topics.isEmpty() ? "-" : String.join(",", topics));
        out.append(' ').append(partitions(saidOwned)).append(' ').append(hex(data)).append('\n');
        ByteBuffer buffer = data == null ? null : ByteBuffer.wrap(data);
        Subscription subscription = new Subscription(topics, buffer, saidOwned, said, Optional.ofNullable(member.rack));
        subscription.setGroupInstanceId(Optional.ofNullable(member.instance));
        return subscription;
    }

    /** Cut off, or of other bytes. */
    byte[] broken(byte[] data) {
        if (data == null || chance(20)) {
            byte[] noise = new byte[random.nextInt(12)];
            random.nextBytes(noise);
            return noise;
        }
        if (chance(30)) {
            byte[] changed = data.clone();
            changed[random.nextInt(changed.length)] ^= (byte) (1 << random.nextInt(8));
            return changed;
        }
        return Arrays.copyOf(data, random.nextInt(data.length));
    }

    public static void main(String[] args) throws Exception {
        AssignorVectors vectors = new AssignorVectors(9);
        vectors.out.append("# Recorded from Apache Kafka 4.3.1's Java clients by AssignorVectors.java, which says what a line means.\n");
        for (String name : List.of("range", "roundrobin", "sticky", "cooperative-sticky"))
            for (int i = 0; i < CASES; i++) vectors.oneCase(name);
        System.out.write(vectors.out.toString().getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }
}
