// Finds a printer, then watches which there are, until Ctrl-C: find [HOST:PORT]
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	pb "scoutlight/discovery/v1"
)

func find(discovery pb.DiscoveryServiceClient) error {
	soon, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	found, err := discovery.Resolve(soon, &pb.ResolveRequest{Service: "Printer"})
	if err != nil {
		return err
	}
	pick := found.Picks[0]
	fmt.Println("found", pick.Instance.Id, "at", pick.Endpoint.GetUrl())
	return nil
}

func watch(discovery pb.DiscoveryServiceClient) error {
	frames, err := discovery.Watch(context.Background(), &pb.WatchRequest{Service: "Printer"})
	if err != nil {
		return err
	}
	for {
		frame, err := frames.Recv()
		if err != nil {
			return err
		}
		for _, printer := range frame.Changed {
			fmt.Println(printer.Id, map[bool]string{true: "works", false: "does not work"}[printer.Resolvable])
		}
		for _, id := range frame.Removed {
			fmt.Println(id, "has gone")
		}
	}
}

func main() {
	server := append(os.Args, "127.0.0.1:7400")[1]
	connection, err := grpc.Dial(server, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	discovery := pb.NewDiscoveryServiceClient(connection)
	if err := find(discovery); err != nil {
		log.Fatal(err)
	}
	log.Fatal(watch(discovery))
}
