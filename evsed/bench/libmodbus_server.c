/* libmodbus's server with constant registers, many connections, one thread. Runs until killed. */

#include <errno.h>
#include <modbus/modbus.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/select.h>
#include <unistd.h>

int main(int count, char **words)
{
    if (count != 2)
        return 2;
    modbus_t *line = modbus_new_tcp("127.0.0.1", atoi(words[1]));
    modbus_mapping_t *registers = modbus_mapping_new_start_address(0, 0, 0, 0, 100, 12, 0, 0);
    int door = line && registers ? modbus_tcp_listen(line, 16) : -1;
    if (door < 0)
        return 1;
    fd_set open, ready;
    int highest = door;
    FD_ZERO(&open);
    FD_SET(door, &open);
    for (;;) {
        ready = open;
        if (select(highest + 1, &ready, NULL, NULL, NULL) < 0 && errno != EINTR)
            return 1;
        for (int one = 0; one <= highest; one++) {
            if (!FD_ISSET(one, &ready))
                continue;
            if (one == door) {
                int added = modbus_tcp_accept(line, &door);
                if (added >= 0 && added < FD_SETSIZE) {
                    FD_SET(added, &open);
                    highest = added > highest ? added : highest;
                }
                continue;
            }
            uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
            modbus_set_socket(line, one);
            int length = modbus_receive(line, request);
            if (length > 0)
                modbus_reply(line, request, length, registers);
            else if (length < 0) {
                close(one);
                FD_CLR(one, &open);
            }
        }
    }
}
