// A QuickFIX engine at the end of a pipe: what it is told on standard input it sends, what it gets it tells on standard output.
//
//   engine venue PORT     accepts a session, acknowledges orders and cancels
//   engine desk PORT      begins one
//
// Commands of a desk: `D ID`, `F ID`, `G ID`, `drop` (hangs up and logs on again), `quit`.
#include <quickfix/Application.h>
#include <quickfix/FileStore.h>
#include <quickfix/MessageStore.h>
#include <quickfix/Session.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketAcceptor.h>
#include <quickfix/SocketInitiator.h>

#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>

namespace {

std::mutex telling;

void tell(const std::string &line) {
    std::lock_guard<std::mutex> one(telling);
    std::cout << line << std::endl;
}

std::string field(const FIX::Message &message, int tag) {
    return message.isSetField(tag) ? message.getField(tag) : "";
}

class Engine : public FIX::NullApplication {
  public:
    explicit Engine(bool venue) : venue(venue) {}

    void onLogon(const FIX::SessionID &) override { tell("logon"); }
    void onLogout(const FIX::SessionID &) override { tell("logout"); }

    void fromAdmin(const FIX::Message &message, const FIX::SessionID &)
        throw(FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue, FIX::RejectLogon) override {
        const std::string kind = message.getHeader().getField(35);
        if (kind == "3" || kind == "5") tell("admin " + kind + " " + field(message, 58));
    }

    void fromApp(const FIX::Message &message, const FIX::SessionID &session)
        throw(FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue, FIX::UnsupportedMessageType) override {
        const std::string kind = message.getHeader().getField(35);
        tell(kind + " " + field(message, 11) + " " + field(message, 39));
        if (!venue || (kind != "D" && kind != "F")) return;
        FIX::Message report;
        report.getHeader().setField(35, "8");
        const std::string status = kind == "D" ? "0" : "4";
        for (auto &pair : {std::make_pair(37, std::string("v1")), std::make_pair(17, std::to_string(++executions)),
                           std::make_pair(150, status), std::make_pair(39, status), std::make_pair(11, field(message, 11)),
                           std::make_pair(55, std::string("ABC")), std::make_pair(54, std::string("1")),
                           std::make_pair(151, std::string("1")), std::make_pair(14, std::string("0")),
                           std::make_pair(6, std::string("0"))})
            report.setField(pair.first, pair.second);
        FIX::Session::sendToTarget(report, session);
    }

  private:
    bool venue;
    int executions = 0;
};

FIX::SessionSettings settings(bool venue, const std::string &port) {
    std::stringstream text;
    text << "[DEFAULT]\nUseDataDictionary=N\nStartTime=00:00:00\nEndTime=00:00:00\nHeartBtInt=5\nReconnectInterval=1\n"
         << "ConnectionType=" << (venue ? "acceptor" : "initiator") << "\n"
         << (venue ? "SocketAcceptPort=" + port + "\nSocketReuseAddress=Y\n"
                   : "SocketConnectHost=127.0.0.1\nSocketConnectPort=" + port + "\n")
         << "SocketNodelay=Y\nPersistMessages=Y\n[SESSION]\nBeginString=FIX.4.4\n"
         << "SenderCompID=" << (venue ? "VENUE" : "DESK") << "\nTargetCompID=" << (venue ? "DESK" : "VENUE") << "\n";
    return FIX::SessionSettings(text);
}

void send(const std::string &kind, const std::string &id) {
    FIX::Message message;
    message.getHeader().setField(35, kind);
    message.setField(11, id);
    if (kind != "D") message.setField(41, "before");
    message.setField(55, "ABC");
    message.setField(54, "1");
    message.setField(38, "1");
    message.setField(40, "1");
    FIX::Session::sendToTarget(message, FIX::SessionID("FIX.4.4", "DESK", "VENUE"));
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    const bool venue = std::string(argv[1]) == "venue";
    try {
        Engine engine(venue);
        FIX::MemoryStoreFactory store;
        const FIX::SessionSettings ours = settings(venue, argv[2]);
        std::unique_ptr<FIX::SocketAcceptor> acceptor;
        std::unique_ptr<FIX::SocketInitiator> initiator;
        if (venue) {
            acceptor = std::make_unique<FIX::SocketAcceptor>(engine, store, ours);
            acceptor->start();
        } else {
            initiator = std::make_unique<FIX::SocketInitiator>(engine, store, ours);
            initiator->start();
        }
        tell("ready");
        std::string kind, id;
        while (std::cin >> kind && kind != "quit") {
            if (kind == "drop") {
                FIX::Session::lookupSession(FIX::SessionID("FIX.4.4", "DESK", "VENUE"))->disconnect();
            } else if (std::cin >> id) {
                send(kind, id);
            }
        }
        if (acceptor) acceptor->stop(true);
        if (initiator) initiator->stop(true);
    } catch (const std::exception &why) {
        std::cerr << why.what() << std::endl;
        return 1;
    }
    return 0;
}
