// Speaks to a backend of its own, through the gate, as customers' programs do:
// node tokens.js GATE BACKEND FILE, both sockets, and a file of JSON with calls.
// What the backend is to have used stands in the message: "input cached output".

'use strict';

const fs = require('fs');
const http = require('http');
const net = require('net');
const OpenAI = require('openai');
const Anthropic = require('@anthropic-ai/sdk');

const words = ['Hello', ' there', ', w\u00f6rld', '!'];

// What OpenAI's input is, the cached tokens are a part of; Anthropic's not.
const usage = {
    chat: ([i, c, o]) => ({ prompt_tokens: i + c, completion_tokens: o,
        total_tokens: i + c + o, prompt_tokens_details: { cached_tokens: c } }),
    responses: ([i, c, o]) => ({ input_tokens: i + c, output_tokens: o,
        total_tokens: i + c + o, input_tokens_details: { cached_tokens: c } }),
    messages: ([i, c, o]) => ({ input_tokens: i, output_tokens: o,
        cache_read_input_tokens: c, cache_creation_input_tokens: 0 }),
};

const documents = {
    chat: (used) => ({ id: 'c', object: 'chat.completion', choices: [{ index: 0,
        message: { role: 'assistant', content: words.join('') } }], usage: used }),
    responses: (used) => ({ id: 'r', object: 'response', output: [{
        type: 'message', role: 'assistant', content: [{ type: 'output_text',
            text: words.join(''), annotations: [] }] }], usage: used }),
    messages: (used) => ({ id: 'm', type: 'message', role: 'assistant',
        content: [{ type: 'text', text: words.join('') }], usage: used }),
};

const events = {
    chat: (used) => [
        ...words.map((content) => ({ id: 'c', object: 'chat.completion.chunk',
            choices: [{ index: 0, delta: { content } }], usage: null })),
        { id: 'c', object: 'chat.completion.chunk', choices: [], usage: used },
    ],
    responses: (used) => [
        ...words.map((delta) => ({ type: 'response.output_text.delta', delta })),
        { type: 'response.completed', response: documents.responses(used) },
    ],
    messages: (used) => [
        { type: 'message_start', message: { ...documents.messages(
            { ...used, output_tokens: 1 }), content: [] } },
        { type: 'content_block_start', index: 0,
          content_block: { type: 'text', text: '' } },
        ...words.map((text) => ({ type: 'content_block_delta', index: 0,
                                  delta: { type: 'text_delta', text } })),
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' },
          usage: { output_tokens: used.output_tokens } },
        { type: 'message_stop' },
    ],
};

async function answer(request, response) {
    let body = '';
    for await (const part of request) {
        body += part;
    }
    const asked = JSON.parse(body);
    const api = request.url.endsWith('/completions') ? 'chat'
        : request.url.endsWith('/responses') ? 'responses' : 'messages';
    const said = asked.input ?? asked.messages[0].content;
    const used = usage[api](said.split(' ').map(Number));

    if (!asked.stream) {
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify(documents[api](used)));
        return;
    }

    response.setHeader('Content-Type', 'text/event-stream');
    for (const event of events[api](used)) {
        const name = event.type ? `event: ${event.type}\n` : '';
        response.write(`${name}data: ${JSON.stringify(event)}\n\n`);
        await new Promise((next) => setTimeout(next, 5));
    }
    response.end(api === 'chat' ? 'data: [DONE]\n\n' : '');
}

// Each returns the usage that the client was told, or what it read of a stream.
const calls = {
    async chat(client, { model, used, stream, leave }) {
        const given = { model, max_tokens: 1000,
                        messages: [{ role: 'user', content: used }] };
        if (!stream) {
            return (await client.chat.completions.create(given)).usage;
        }

        let last = null;
        for await (const chunk of await client.chat.completions.create({ ...given,
            stream: true, stream_options: { include_usage: true } }))
        {
            if (leave) {
                return { left: true };
            }
            last = chunk.usage ?? last;
        }

        return last;
    },

    async responses(client, { model, used, stream }) {
        const given = { model, max_output_tokens: 1000, input: used };
        if (!stream) {
            return (await client.responses.create(given)).usage;
        }

        let last = null;
        for await (const event of await client.responses.create({ ...given,
                                                                  stream: true }))
        {
            last = event.response?.usage ?? last;
        }

        return last;
    },

    async messages(client, { model, used, stream, leave }) {
        const given = { model, max_tokens: 1000,
                        messages: [{ role: 'user', content: used }] };
        if (!stream) {
            return (await client.messages.create(given)).usage;
        }

        const events = client.messages.stream(given);
        if (leave) {
            for await (const event of events) {
                return { left: event.type };
            }
        }

        return (await events.finalMessage()).usage;
    },
};

async function main(gate, socket, file) {
    await new Promise((done) => http.createServer(answer).listen(socket, done));
    fs.chmodSync(socket, 0o777);

    // the clients speak TCP, the gate of a test listens on a unix socket
    const server = net.createServer((client) => {
        const to = net.connect(gate);
        client.pipe(to).pipe(client);
        client.on('error', () => to.destroy());
        client.on('close', () => to.destroy());
        to.on('error', () => client.destroy());
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const origin = `http://127.0.0.1:${server.address().port}`;

    const told = await Promise.all(JSON.parse(fs.readFileSync(file)).map(
        async (call) => {
            const client = call.api === 'messages'
                ? new Anthropic({ apiKey: call.key, baseURL: origin + call.path })
                : new OpenAI({ apiKey: call.key,
                               baseURL: `${origin}${call.path}/v1` });
            try {
                return await calls[call.api](client, call);
            } catch (error) {
                return { error: String(error) };
            }
        }));
    // a backend that is being drained has to come to its end
    setTimeout(() => process.stdout.write(JSON.stringify(told),
                                          () => process.exit(0)), 500);
}

main(process.argv[2], process.argv[3], process.argv[4]);
