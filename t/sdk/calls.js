// Makes the calls listed in a file of JSON with the clients that customers use,
// all at once, and tells what became of each: node calls.js SOCKET FILE.

'use strict';

const fs = require('fs');
const net = require('net');
const OpenAI = require('openai');
const Anthropic = require('@anthropic-ai/sdk');
const Stripe = require('stripe');

const messages = [{ role: 'user', content: 'hello' }];

// Each takes a call and the origin, and returns a function that does it.
const clients = {
    openai(call, origin) {
        const client = new OpenAI({
            apiKey: call.key || 'none',
            baseURL: origin + call.path,
            defaultHeaders: { ...call.headers,
                              ...(call.key ? {} : { Authorization: null }) },
        });
        return () => client.chat.completions.create({ model: 'm', messages });
    },

    anthropic(call, origin) {
        const client = new Anthropic({
            apiKey: call.key || 'none',
            baseURL: origin + call.path,
            defaultHeaders: { ...call.headers,
                              ...(call.key ? {} : { 'X-Api-Key': null }) },
        });
        return () => client.messages.create({ model: 'm', messages,
                                              max_tokens: 1 });
    },

    stripe(call, origin) {
        const { hostname, port } = new URL(origin);
        const client = new Stripe(call.key || null, {
            host: hostname, port, protocol: 'http', telemetry: false,
            ...(call.key ? {} : { authenticator: async () => {} }),
        });
        return () => client.rawRequest('POST', `${call.path}/v1/charges`,
            { amount: 1 }, { additionalHeaders: call.headers });
    },
};

async function told(call, origin) {
    const run = clients[call.sdk](call, origin);

    try {
        for (let i = 0; i < call.ahead; i++) {
            await run();
        }
    } catch (error) {
        return { ahead: String(error) };
    }

    const began = Date.now();
    try {
        if (call.beside) {
            // one of two passes; what became of the other is told
            const ends = await Promise.allSettled([run(), run()]);
            const failed = ends.find((end) => end.status === 'rejected');
            if (failed) {
                throw failed.reason;
            }
        } else {
            await run();
        }
        return { passed: true, ms: Date.now() - began };
    } catch (error) {
        return {
            class: error.constructor.name,
            status: error.status ?? error.statusCode ?? null,
            code: error.code ?? null,
            type: error.error?.error?.type ?? error.type ?? null,
            message: error.message,
            requestId: error.requestID ?? error.requestId ?? null,
        };
    }
}

async function main(socket, file) {
    const calls = JSON.parse(fs.readFileSync(file));

    // the clients speak TCP, the gate of a test listens on a unix socket
    const server = net.createServer((client) => {
        const gate = net.connect(socket);
        client.pipe(gate).pipe(client);
        client.on('error', () => gate.destroy());
        gate.on('error', () => client.destroy());
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const origin = `http://127.0.0.1:${server.address().port}`;

    const results = await Promise.all(calls.map((call) => told(call, origin)));
    process.stdout.write(JSON.stringify(results), () => process.exit(0));
}

main(process.argv[2], process.argv[3]);
