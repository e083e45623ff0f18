import { join } from "node:path";

/** One node that is broker and controller, on loopback; everything that has replicas has one. */
export function serverProperties(settings: {
  dataDir: string;
  port: number;
  controllerPort: number;
}): string {
  const { dataDir, port, controllerPort } = settings;
  return Object.entries({
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": join(dataDir, "log"),
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    // Fewer files to make and to load: one machine has one of each group and few transactions.
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}
