import { descriptorSet } from '@bandeng/contracts';
import type { Server } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

/** Lets tools such as grpcurl ask the server for its contracts. */
export function addReflection(server: Server): void {
  new ReflectionService(loadFileDescriptorSetFromBuffer(Buffer.from(descriptorSet()))).addToServer(server);
}
