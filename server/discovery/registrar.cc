#include "server/discovery/registrar.h"

#include <memory>
#include <utility>

#include "server/discovery/changing.h"
#include "server/discovery/deregistering.h"
#include "server/discovery/draining.h"
#include "server/discovery/registering.h"

namespace scoutlight::server {

void Registrar::Register(Registration registration, Done done) {
  std::make_shared<Registering>(parts_, std::move(registration), std::move(done))->Try();
}

void Registrar::Change(Update update, Done done) { std::make_shared<Changing>(parts_, std::move(update), std::move(done))->Try(); }

void Registrar::Deregister(Deregistration deregistration, Done done) {
  std::make_shared<Deregistering>(parts_, std::move(deregistration), std::move(done))->Try();
}

void Registrar::Drain(DrainChange change, Done done) { std::make_shared<Draining>(parts_, std::move(change), std::move(done))->Try(); }

}  // namespace scoutlight::server
