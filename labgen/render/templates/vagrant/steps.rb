# Has the provisioners of the Vagrantfile run in order and by readiness across the nodes, by Vagrant's plug-in interface.
#
# Vagrant runs the provisioners of one machine after the other, and those of several machines side by side. This adds:
#   * a step begins when those on other nodes that it waits for (STEPS) are done;
#   * a step that is done with the files that are here now is not run again, so a second `vagrant up` goes on where the
#     first one failed; one that is asked for by name (--provision-with) is run at once, whatever others do;
#   * when one fails no other begins, those under way soon end, and the whole command with its error.
# Where Vagrant takes the machines one after the other (`vagrant provision`, VirtualBox), the steps of all run side by side
# once it has come to the last one: some can only start together, as the servers of a cluster do.

require 'digest'
require 'open3'
require 'tempfile'

module LabSteps
  FOLDER = File.expand_path('..', __dir__)
  GRACE = 30 # seconds that steps under way have to end when one has failed: they may be waiting for what it was to do
  FAILED = [] # what failed first in this very Vagrant
  OVER = {} # nodes of which nothing more is to come in it

  class Failed < Vagrant::Errors::VagrantError
    def initialize(said)
      @said = said
      super()
    end

    def error_message = @said
  end

  # The nodes that this command is about, in Vagrant's order: those named, by name or /pattern/, else all.
  def self.targets
    all = STEPS.keys
    named = ARGV.drop(1).flat_map { |word| word =~ %r{\A/(.+)/\z} ? all.grep(Regexp.new($1)) : all & [word] }
    named.empty? ? all : named.uniq
  end

  # Whether other machines are handled at this moment, in threads beside this one.
  def self.side_by_side? = Thread.current[:batch_parallel_action]

  def self.put_off?(machine) = !side_by_side? && machine.name.to_s != targets.last && targets.include?(machine.name.to_s)

  # The steps of those that were put off, now that this machine, the last one, is there.
  def self.begin_others(machine)
    return if side_by_side? || machine.name.to_s != targets.last
    @others ||= (targets - [targets.last]).map do |node|
      Thread.new do
        Thread.current[:batch_parallel_action] = true
        Thread.current.report_on_exception = false
        other = machine.env.machine(node.to_sym, machine.provider_name)
        other.config.vm.provisioners.each { |provisioner| provisioner.run = :always }
        other.action(:provision)
      rescue Exception => error
        fail_all("#{node}: #{error.message.lines.first&.strip}")
        OVER[node] = true
        raise
      end
    end
  end

  def self.others = @others || []

  # Keeps the first failure, at which nothing more begins.
  def self.fail_all(said)
    FAILED << said if FAILED.empty?
  end

  # What is sent to a node: the scripts of its components and its own files; for a step `install`, artefacts too.
  def self.paths(node, components = Dir.children(File.join(FOLDER, 'nodes', node)).sort)
    paths = ['components/lib', *components.flat_map { |name| ["components/#{name}", "nodes/#{node}/#{name}"] }]
    paths << 'artefacts' if STEPS.fetch(node).any? { |_, stage| stage == 'install' }
    paths.select { |path| File.exist?(File.join(FOLDER, path)) }
  end

  # A digest of all that a step is made of; files do not change under a Vagrant that runs.
  def self.digest(node, name)
    (@digests ||= {})[[node, name]] ||= begin
      component, = STEPS.fetch(node).find { |it, stage| "#{it}-#{stage}" == name }
      files = paths(node, *([[component]] if component)).flat_map { |path| Dir.glob("#{path}/**/*", base: FOLDER) }
      files = files.uniq.sort.select { |path| File.file?(File.join(FOLDER, path)) }
      Digest::SHA256.hexdigest(files.map { |path| "#{path} #{Digest::SHA256.file(File.join(FOLDER, path))}\n" }.join)
    end
  end

  # Vagrant's own folder for a machine, which it empties when the machine is destroyed.
  def self.home(machine, node) = machine.data_dir.join('..', '..', node, machine.provider_name.to_s)

  def self.stamp(machine, node, name) = "#{home(machine, node).join('id').read} #{digest(node, name)}"

  def self.done?(machine, node, name)
    home(machine, node).join("done-#{name}").read == stamp(machine, node, name)
  rescue Errno::ENOENT
    false
  end

  # Until the steps WAITS are done, or nobody is about to do them.
  def self.hold(env, name, waits)
    waits.each do |wait|
      node, step = wait.split('/')
      said = false
      until done?(env[:machine], node, step) || OVER[node] || !targets.include?(node)
        raise Failed, "#{name} was not begun: #{FAILED.first}" unless FAILED.empty?
        raise Failed, "#{name} was not begun: interrupted" if env[:interrupted]
        env[:machine].ui.detail("#{name} waits for #{step} on #{node}") unless said
        said = true
        sleep 0.2
      end
    end
    raise Failed, "#{name} was not begun: #{FAILED.first}" unless FAILED.empty?
  end

  # Runs the block; it is ended GRACE seconds after a step has failed elsewhere.
  def self.within_grace(name)
    step, lock, over = Thread.current, Mutex.new, false
    watch = Thread.new do
      sleep 0.5 while FAILED.empty?
      sleep GRACE
      lock.synchronize { step.raise(Failed, "#{name} was ended: #{FAILED.first}") unless over }
    end
    yield
  ensure
    lock.synchronize { over = true }
    watch.kill
  end

  def self.send_files(machine)
    node = machine.name.to_s
    Tempfile.create('labgen') do |tar| # its owner's only, here and there
      output, status = Open3.capture2e(
        'tar', '-c', '--owner=0', '--group=0', '--numeric-owner', '--mode=go=', '-C', FOLDER,
        '--transform', "s,^nodes/#{node},node,", '-f', tar.path, *paths(node)
      )
      raise Failed, "the files of #{node} could not be packed: #{output}" unless status.success?
      machine.communicate.upload(tar.path, '/tmp/labgen.tar')
    end
  end

  # Around everything that Vagrant does to one machine.
  class AroundMachine
    def initialize(app, _env)
      @app = app
    end

    def call(env)
      return @app.call(env) if env[:provision_types] || env[:provision_enabled] == false
      machine = env[:machine]
      return put_off(env) if LabSteps.put_off?(machine)
      begin
        @app.call(env)
        LabSteps.begin_others(machine)
      rescue Exception => error
        LabSteps.fail_all("#{machine.name}: #{error.message.lines.first&.strip}")
        raise
      ensure
        OVER[machine.name.to_s] = true
        LabSteps.others.each { |thread| thread.join rescue nil } unless LabSteps.side_by_side?
      end
      LabSteps.others.each(&:join) unless LabSteps.side_by_side?
    end

    def put_off(env)
      env[:machine].ui.info("its steps run when #{LabSteps.targets.last} is there, with those of all nodes")
      env[:machine].config.vm.provisioners.each { |provisioner| provisioner.run = :never }
      @app.call(env)
    end
  end

  # Around one provisioner of one machine.
  class AroundStep
    def initialize(app, _env)
      @app = app
    end

    def call(env)
      machine, node = env[:machine], env[:machine].name.to_s
      provisioner = machine.config.vm.provisioners.find { |it| it.config.equal?(env[:provisioner].config) }
      name = provisioner&.name.to_s
      waits = name == 'files' ? [] : STEPS.fetch(node).find { |it, stage, *| "#{it}-#{stage}" == name }&.drop(2)
      return @app.call(env) unless waits # it is not one of the lab's
      unless env[:provision_types]
        LabSteps.begin_others(machine)
        LabSteps.hold(env, name, waits)
        return machine.ui.detail('done before') if LabSteps.done?(machine, node, name)
      end
      run(env, machine, node, name)
    end

    def run(env, machine, node, name)
      mark = LabSteps.home(machine, node).join("done-#{name}")
      mark.delete if mark.exist?
      LabSteps.send_files(machine) if name == 'files'
      env[:provision_types] ? @app.call(env) : LabSteps.within_grace(name) { @app.call(env) }
      mark.write(LabSteps.stamp(machine, node, name))
    rescue StandardError => error
      LabSteps.fail_all("#{name} failed on #{node}") unless env[:provision_types]
      raise if error.is_a?(Failed)
      raise Failed, "#{name} failed on #{node}: #{error.message}"
    end
  end

  # While it waits for SSH, Vagrant 2.3 looks at the machine's state once a second in a thread that it kills when SSH
  # answers, be it between the taking and the giving back of the machine's lock: then this very Vagrant finds the machine
  # locked for as long as it runs. A look at the state is finished first.
  module WholeLook
    def state = Thread.handle_interrupt(Object => :never) { super }
  end
  Vagrant::Machine.prepend(WholeLook)

  class Plugin < Vagrant.plugin('2')
    name 'labgen steps'
    %i[machine_action_up machine_action_provision machine_action_reload].each do |action|
      action_hook(:labgen_steps, action) { |hook| hook.prepend(AroundMachine) }
    end
    action_hook(:labgen_steps, :provisioner_run) { |hook| hook.prepend(AroundStep) }
  end
end
