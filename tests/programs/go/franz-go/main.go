// A program with twmb/franz-go: two members of a group share what is written, and a third resumes.
package main

import (
	"context"
	"sync"

	"programs/counted"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), counted.Patience)
	defer cancel()
	producer := connect(kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	defer producer.Close()
	admin := kadm.NewClient(producer)
	_, err := admin.CreateTopic(ctx, counted.Partitions, counted.Replicas, nil, counted.Topic)
	counted.Check(err)
	counts := &counted.Counts{}
	ledger := counted.NewLedger(counts)

	leave := make([]func(), 0, 2)
	for _, name := range []string{"one", "two"} {
		leave = append(leave, join(ctx, name, ledger))
	}
	counted.Until(ctx, "the group has two members", func() (bool, error) {
		groups, err := admin.DescribeGroups(ctx, counted.Group)
		if err != nil {
			return false, err
		}
		group := groups[counted.Group]
		return group.State == "Stable" && len(group.Members) == 2 && shared(group), group.Err
	})
	counts.Written += write(ctx, producer, 0, counted.First)
	ledger.Wait(ctx, counted.First)
	counts.Read = ledger.Seen()
	for _, one := range leave {
		one()
	}

	counts.Written += write(ctx, producer, counted.First, counted.More)
	last := join(ctx, "three", ledger)
	ledger.Wait(ctx, counted.First+counted.More)
	last()
	counts.Resumed = ledger.Seen() - counts.Read
	offsets, err := admin.FetchOffsets(ctx, counted.Group)
	counted.Check(err)
	offsets.Each(func(offset kadm.OffsetResponse) { counts.Committed += max(offset.At, 0) })
	counted.Tell("github.com/twmb/franz-go", counts)
}

func connect(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(counted.Servers()...))...)
	counted.Check(err)
	return client
}

// Members rebalance cooperatively: the second owns nothing until the first has given some partitions up.
func shared(group kadm.DescribedGroup) bool {
	owned := 0
	for _, member := range group.Members {
		assignment, ok := member.Assigned.AsConsumer()
		if !ok || len(assignment.Topics) == 0 {
			return false
		}
		owned += len(assignment.Topics[0].Partitions)
	}
	return owned == counted.Partitions
}

func write(ctx context.Context, producer *kgo.Client, first, count int) int {
	records := make([]*kgo.Record, count)
	for at := range records {
		records[at] = &kgo.Record{
			Topic: counted.Topic, Key: counted.Key(first + at), Value: counted.Value(first + at),
		}
	}
	counted.Check(producer.ProduceSync(ctx, records...).FirstErr())
	return count
}

// Starts a member, and gives what has it leave.
func join(ctx context.Context, name string, ledger *counted.Ledger) func() {
	client := connect(kgo.ConsumerGroup(counted.Group), kgo.ConsumeTopics(counted.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	reading, stop := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		for reading.Err() == nil {
			fetches := client.PollFetches(reading)
			if reading.Err() != nil {
				return
			}
			for _, failed := range fetches.Errors() {
				counted.Check(failed.Err)
			}
			counted.Check(client.CommitRecords(ctx, fetches.Records()...))
			fetches.EachRecord(func(record *kgo.Record) { ledger.Saw(name, record.Key, record.Value) })
		}
	})
	return func() {
		stop()
		ended.Wait()
		client.Close()
	}
}
